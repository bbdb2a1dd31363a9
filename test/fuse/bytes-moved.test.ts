/**
 * What the map and row kernels of the benchmark's training steps move between memory and a cache of 32 KiB (an element stays
 * until as many others have been fetched as it holds), in the order of their loops, against what the cost model says is the least: each
 * tensor that is read or written once, what is updated in place twice. How elements share cache lines is the schedule's.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { type Bindings, evaluate } from '../../compiler/ir/dim.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import type { Segment } from '../../compiler/lowered.ts'
import { compile } from '../../compiler/pipeline.ts'
import { allocate } from '../../compiler/reference/evaluate.ts'
import { KernelMachine } from '../../compiler/reference/kernel-machine.ts'
import { root } from '../grammar/samples.ts'

/** Fewer rows than the benchmark has, of tensors that are still many times larger than the cache. */
const workloads: Record<string, Record<string, number>> = {
  w1: { batch: 128 },
  w2: { batch: 8 },
  w3: { batch: 8, T: 16 },
  w4: { batch: 4, T: 64 },
}
const targets = { gpu: {}, 'cpu-class': { subgroup: 8 }, wasm: {} } as const
const cached = 8192

describe.each(Object.keys(targets) as (keyof typeof targets)[])('for %s', (target) => {
  it.each(Object.keys(workloads))('kernels of %s move at most half as much again as they must', (file) => {
    const path = `bench/workloads/${file}.dlm`
    const program = check({ path, text: readFileSync(join(root, path), 'utf8') })
    const train = program.trains[0]!
    const { fused } = compile(program, {
      model: train.model.name,
      entries: ['step'],
      train,
      target,
      ...targets[target],
    })
    let counted = 0
    for (const { segments, flat } of fused[0]!.phases) {
      const dims = new Map(Object.entries(workloads[file]!))
      if (flat !== undefined) dims.set('N', 30_000)
      for (const kernel of segments.flatMap(kernelsOf)) {
        if (kernel.kind !== 'map' && kernel.kind !== 'row') continue
        const { moved, least } = traffic(kernel, dims)
        expect(moved, `${kernel.name}: ${least} bytes`).toBeLessThanOrEqual(1.5 * least)
        counted++
      }
    }
    expect(counted).toBeGreaterThan(3)
  })
})

function kernelsOf(segment: Segment): readonly Kernel[] {
  return segment.kind === 'kernels' ? segment.kernels : [...segment.body.flatMap(kernelsOf)]
}

function traffic(kernel: Kernel, dims: Bindings): { moved: number; least: number } {
  const size = (d: Parameters<typeof evaluate>[0]) => evaluate(d, dims)
  let fetched = 0
  let moved = 0
  let least = 0
  const slots = kernel.slots.map(({ node, access, part }) => {
    const elements = node.shape.reduce((n, d) => n * size(d), 1)
    least += 4 * (part ? size(part) : elements) * (access === 'update' ? 2 : 1)
    const data = allocate(node.dtype, elements, 'float32').map((_, i) => (node.dtype === 'float' ? 0.5 : (i * 7) % 10))
    const written = new Uint8Array(elements)
    /** How many elements had been fetched when each was last there. */
    const seen = new Int32Array(elements).fill(-cached)
    const touch = (at: number) => {
      if (access !== 'write' && fetched - seen[at]! >= cached) {
        fetched++
        moved += 4
      }
      seen[at] = fetched
    }
    return new Proxy(data, {
      get: (array, key) => {
        if (key === 'length') return array.length
        touch(Number(key))
        return array[key as unknown as number]
      },
      set: (_, key) => {
        touch(Number(key))
        if (written[Number(key)] === 0) moved += 4
        written[Number(key)] = 1
        return true
      },
    })
  })
  new KernelMachine(slots, size, 'float32').run(kernel)
  return { moved, least }
}
