import { describe, expect, it } from 'vitest'
// Its package entry for Node is CommonJS in an ES module package and cannot be imported.
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js'
import { defaultSchedule } from '../../compiler/7-emit/wgsl/default-schedule.ts'
import { emitKernel, sourceComment } from '../../compiler/7-emit/wgsl/emit.ts'
import type { Target } from '../../compiler/7-emit/wgsl/schedule.ts'
import { multiply, symbol } from '../../compiler/ir/dim.ts'
import type { Origin } from '../../compiler/ir/graph.ts'
import type { ContractKernel, Kernel, MapKernel, RowKernel } from '../../compiler/ir/kernel.ts'
import { storageOf } from '../device/run-kernels.ts'
import { acc, apply, at, axis, base, flat, load, num, read, stage, sum, tensor, write } from './build.ts'

const hostile = [
  '__proto__',
  '*/ fn evil() {} /*',
  'a\nfn evil() {}',
  '${x}',
  '\u2028x',
  '</script>',
  'n0',
  'main',
  '}; @compute',
]

function scaled(name: string, dimName: string): MapKernel {
  const n = symbol(dimName)
  const [x, out] = [tensor([n, 3]), tensor([n, 3])]
  const slots = [read(x), write(out)]
  const [i, j] = [axis(name, n), axis('j', 3)]
  const origin: Origin = {
    span: { source: { path: `${name}.dlm`, text: 'x' }, start: 0, end: 1 },
    path: name,
    role: 'forward',
  }
  return {
    ...base(slots),
    name,
    origins: [origin],
    kind: 'map',
    axes: [i, j],
    stores: [{ slot: 1, index: flat(out.shape, [i, j]), value: apply('mul', load(slots, 0, [i, j]), num(2)) }],
  }
}

describe('the text of kernels', () => {
  it('has nothing of the names in it, so equal kernels are one pipeline', () => {
    const texts = new Set(
      hostile.map((name) => emitKernel(scaled(name, 'batch'), { storageOf, target: 'gpu' }).stages[0]!.wgsl),
    )
    expect(texts.size).toBe(1)
  })

  it('shows a size that depends on free dims only in harmless characters', () => {
    for (const name of hostile) {
      const { wgsl } = emitKernel(scaled('x', name), { storageOf, target: 'gpu' }).stages[0]!
      const lines = wgsl.split(/[\n\r\u2028\u2029]/)
      const benign = emitKernel(scaled('x', 'batch'), { storageOf, target: 'gpu' }).stages[0]!.wgsl.split('\n')
      const code = (line: string) => line.replace(/\/\/.*$/, '')
      expect(lines.map(code)).toEqual(benign.map(code))
    }
  })

  it('says the source lines in a comment apart, which no name can end', () => {
    for (const name of hostile) {
      const comment = sourceComment([`${name}.dlm:14`, `${name}.dlm:14`])
      expect(comment).toMatch(/^\/\/ from [A-Za-z0-9_./:[\] ?-]+\n$/)
    }
  })

  it('binds what it declares, in order', () => {
    for (const target of ['gpu', 'cpu-class'] as const)
      for (const kernel of examples())
        for (const stage of emitKernel(kernel, { storageOf, target }).stages) {
          const reflected = new WgslReflect(stage.wgsl)
          const declared = reflected.storage.map((s) => ({
            binding: s.binding,
            access: s.access === 'read' ? 'read' : 'write',
          }))
          expect(declared.sort((a, b) => a.binding - b.binding)).toEqual(
            stage.bindings.map((b, binding) => ({ binding, access: b.access })),
          )
          expect(reflected.overrides.map((o) => o.name).sort()).toEqual([...stage.constants.keys()].sort())
          expect(reflected.entry.compute.length).toBe(1)
        }
  })

  it('has no atomics, whose order would differ from run to run', () => {
    for (const target of ['gpu', 'cpu-class'] as const)
      for (const kernel of examples())
        for (const { wgsl } of emitKernel(kernel, { storageOf, target }).stages) expect(wgsl).not.toMatch(/atomic/)
  })

  it('keeps below 64 memory accesses, beyond which software adapters take seconds to compile', () => {
    for (const target of ['gpu', 'cpu-class'] as const)
      for (const subgroup of [undefined, 4, 8, 32])
        for (const kernel of examples())
          for (const stage of emitKernel(kernel, {
            storageOf,
            target,
            schedule: defaultSchedule(kernel, target as Target, {
              subgroup,
              workgroupInvocations: 256,
              workgroupBytes: 16384,
              storageBuffers: 8,
            }),
          }).stages)
            expect(stage.wgsl.match(/\b(t\d+|scratch\d+)\[/g)?.length ?? 0).toBeLessThanOrEqual(64)
  })
})

function examples(): Kernel[] {
  return [scaled('a', 'batch'), ...[1, 7, 64, 512].flatMap((n) => [contract(n), dense(n)]), norm()]
}

/** A padded 5 × 5 convolution with n channels. */
function contract(n: number): ContractKernel {
  const batch = symbol('batch')
  const [weight, image, bias, out] = [
    tensor([n, n, 5, 5]),
    tensor([batch, n, 28, 28]),
    tensor([n]),
    tensor([batch, n, 28, 28]),
  ]
  const slots = [read(weight), read(image), read(bias), write(out)]
  const [o, b, y, x, c, dy, dx] = [
    axis('o', n),
    axis('b', batch),
    axis('y', 28),
    axis('x', 28),
    axis('c', n),
    axis('dy', 5),
    axis('dx', 5),
  ] as const
  const [row, column] = [
    sum(
      [
        [1, at(y)],
        [1, at(dy)],
      ],
      -2,
    ),
    sum(
      [
        [1, at(x)],
        [1, at(dx)],
      ],
      -2,
    ),
  ]
  return {
    ...base(slots),
    kind: 'contract',
    batch: [],
    rows: [o],
    columns: [b, y, x],
    depth: [c, dy, dx],
    split: undefined,
    left: load(slots, 0, [o, c, dy, dx]),
    right: {
      kind: 'guarded',
      guards: [{ kind: 'inside', index: row, size: symbol('h') }],
      value: load(slots, 1, [b, c, row, column]),
      otherwise: num(0),
      dtype: 'float',
    },
    stores: [
      {
        slot: 3,
        index: flat(out.shape, [b, o, y, x]),
        value: apply('max', apply('add', acc, load(slots, 2, [o])), num(0)),
      },
    ],
  }
}

/** A product whose left operand is itself an expression of several tensors. */
function dense(n: number): ContractKernel {
  const batch = symbol('batch')
  const operands = Array.from({ length: 4 }, () => tensor([batch, 300]))
  const [weight, out] = [tensor([300, n]), tensor([batch, n])]
  const slots = [...operands.map(read), read(weight), write(out)]
  const [i, j, k] = [axis('i', batch), axis('j', n), axis('k', 300)] as const
  return {
    ...base(slots),
    kind: 'contract',
    batch: [],
    rows: [i],
    columns: [j],
    depth: [k],
    split: undefined,
    left: [0, 1, 2, 3].map((s) => load(slots, s, [i, k])).reduce((a, b) => apply('mul', a, b)),
    right: load(slots, 4, [k, j]),
    stores: [{ slot: 5, index: flat(out.shape, [i, j]), value: acc }],
  }
}

/** The sum of squares of everything: one very long row. */
function norm(): RowKernel {
  const n = multiply(symbol('N'), symbol('M'))
  const [x, out] = [tensor([n]), tensor([])]
  const slots = [read(x), write(out)]
  const i = axis('i', n)
  const value = load(slots, 0, [i])
  return {
    ...base(slots),
    kind: 'row',
    outer: [],
    row: [i],
    stores: [],
    stages: [{ combine: 'sum', value: apply('mul', value, value), dtype: 'float' }],
    results: [{ slot: 1, index: flat([], []), value: apply('sqrt', stage(0)) }],
  }
}
