/** The programs of `programs.ts` with WebAssembly functions, assembled by hand, in place of shaders. */
import { addSizes, type CompiledProgram, type Footprint, type FootprintPart, type Size } from '../../runtime/abi.ts'
import { wasmStaging } from '../../runtime/wasm/layout.ts'
import { affine, counting } from './programs.ts'

/** A byte, or a size as a constant whose five bytes are written when a session opens. */
type Code = (number | { readonly size: Size })[]

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const whole = (n: number) => [0x41, n]
const size = (size: Size): Code => [0x41, { size }]
const [add, multiply, remainder, less] = [0x6a, 0x6c, 0x70, 0x49]
const load = [0x2a, 2, 0]
const store = [0x38, 2, 0]
const storeWhole = [0x36, 2, 0]
const float = { zero: [0x43, 0, 0, 0, 0], add: 0x92, subtract: 0x93, multiply: 0x94 }

/** The address of an element of the tensor whose address is a local. */
const at = (tensor: number, index: Code): Code => [...get(tensor), ...index, ...whole(4), multiply, add]
const wrapped = (index: number): Code => [...get(index), ...whole(3), remainder]

/** For `i` (the local after the addresses) from `64 · first` below both `64 · end` and a count: `body`. */
function overGroups(addresses: number, count: Size, body: (i: number) => Code): Code {
  const i = 2 + addresses
  const group = [0x41, 0xc0, 0x00]
  return [
    ...[...get(0), ...group, multiply, ...set(i), 0x02, 0x40, 0x03, 0x40],
    ...[...get(i), ...get(1), ...group, multiply, less, 0x45, 0x0d, 1],
    ...[...get(i), ...size(count), less, 0x45, 0x0d, 1],
    ...[...body(i), ...get(i), ...whole(1), add, ...set(i), 0x0c, 0, 0x0b, 0x0b],
  ]
}

interface HandMade {
  readonly addresses: number
  /** Locals after the parameters: one whole number, one float. */
  readonly code: Code
}

const batch3: Size = { terms: [[3, 'batch']] }
const square = (i: number): Code => [...at(3, wrapped(i)), ...load, ...at(2, get(i)), ...load, float.multiply]
const functions = {
  // x, w, c, y
  affine: {
    addresses: 4,
    code: overGroups(4, batch3, (i) => [
      ...[...at(5, get(i)), ...square(i), ...at(4, wrapped(i)), ...load, float.add, ...store],
    ]),
  },
  // x, w, s
  square: {
    addresses: 3,
    code: overGroups(3, batch3, (i) => [...at(4, get(i)), ...square(i), ...square(i), float.multiply, ...store]),
  },
  // s, total
  sum: {
    addresses: 2,
    code: [
      ...[...whole(0), ...set(4), ...float.zero, ...set(5), 0x02, 0x40, 0x03, 0x40],
      ...[...get(4), ...size(batch3), less, 0x45, 0x0d, 1],
      ...[...get(5), ...at(2, get(4)), ...load, float.add, ...set(5)],
      ...[...get(4), ...whole(1), add, ...set(4), 0x0c, 0, 0x0b, 0x0b],
      ...[...get(3), ...get(5), ...store],
    ],
  },
  // rate, m, w
  update: {
    addresses: 3,
    code: overGroups(3, 3, (i) => [
      ...at(4, get(i)),
      ...[...at(4, get(i)), ...load, ...get(2), ...load, ...at(3, get(i)), ...load, float.multiply, float.subtract],
      ...store,
    ]),
  },
  count: {
    addresses: 1,
    code: overGroups(1, { terms: [[1, 'n']] }, (i) => [...at(2, get(i)), ...get(i), ...storeWhole]),
  },
  /** Never returns well. */
  trap: { addresses: 1, code: [0x00] },
} satisfies Record<string, HandMade>

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)])
const text = (name: string) => [name.length, ...Buffer.from(name)]
const section = (id: number, bytes: Code): Code => [id, ...leb(lengthOf(bytes)), ...bytes]
const lengthOf = (code: Code): number => code.reduce<number>((sum, c) => sum + (typeof c === 'number' ? 1 : 5), 0)
const list = (items: readonly Code[]): Code => [...leb(items.length), ...items.flat()]

function assemble(
  names: readonly string[],
  workspace: number,
  known: Readonly<Record<string, HandMade>> = functions,
): NonNullable<CompiledProgram['wasm']> {
  const made = names.map((name) => known[name]!)
  const limits = { size: 0 }
  const code: Code = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(made.map(({ addresses }) => [0x60, ...list(Array<Code>(2 + addresses).fill([0x7f])), 0]))),
    ...section(
      2,
      list([
        [...text('dlm'), ...text('memory'), 2, 3, limits, limits],
        [...text('dlm'), ...text('workspace'), 3, 0x7f, 0],
      ]),
    ),
    ...section(3, list(made.map((_, i) => [i]))),
    ...section(7, list(names.map((name, i) => [...text(name), 0, i]))),
    ...section(
      10,
      list(
        made.map(({ code }) => {
          const body: Code = [2, 1, 0x7f, 1, 0x7d, ...code, 0x0b]
          return [...leb(lengthOf(body)), ...body]
        }),
      ),
    ),
  ]
  const bytes: number[] = []
  const sizes: { at: number; size: Size }[] = []
  let limitsAt = -1
  for (const part of code)
    if (typeof part === 'number') bytes.push(part)
    else {
      if (part !== limits) sizes.push({ at: bytes.length, size: part.size })
      else if (limitsAt < 0) limitsAt = bytes.length - 1
      bytes.push(0, 0, 0, 0, 0)
    }
  return { code: Buffer.from(bytes).toString('base64'), sizes, products: [], limits: limitsAt, workspace }
}

/** Numbers that make every dispatch worth sharing, or none. */
function withCode(program: CompiledProgram, work: number, workspace: number): CompiledProgram {
  const names = program.pipelines.map(({ name }) => name as keyof typeof functions)
  const planned = {
    ...program,
    pipelines: program.pipelines.map((p) => ({ ...p, wgsl: '', wasm: { export: p.name } })),
    entries: program.entries.map((e) => ({ ...e, dispatches: e.dispatches.map((d) => ({ ...d, flops: work })) })),
    wasm: assemble(names, workspace),
  }
  const part = (known: FootprintPart): FootprintPart => {
    const staging = wasmStaging(
      planned,
      known.entries,
      planned.arenas.map(({ bytes }) => bytes),
    )
    return { ...known, staging, bytes: addSizes(...known.arenas.map((a) => planned.arenas[a]!.bytes), staging) }
  }
  const { inference, training } = program.footprint
  const footprint: Footprint = { inference: part(inference), training: training && part(training) }
  return { ...planned, footprint }
}

export const wasmAffine = withCode(affine, 1e6, 100)
export const wasmAffineAlone = withCode(affine, 0, 0)
export const wasmCounting = withCode(counting, 1e6, 0)
export const wasmTrap: CompiledProgram = {
  ...wasmCounting,
  pipelines: [{ ...wasmCounting.pipelines[0]!, wasm: { export: 'trap' } }],
  wasm: assemble(['trap'], 0),
}

/** Counts by the last of so many addresses; the others are of another place. */
export function wasmWide(addresses: number): CompiledProgram {
  const code = overGroups(addresses, { terms: [[1, 'n']] }, (i) => [
    ...[...at(1 + addresses, get(i)), ...get(i), ...storeWhole],
  ])
  const [entry] = wasmCounting.entries
  const [dispatch] = entry!.dispatches
  const [result] = dispatch!.bindings
  const bindings = [...Array(addresses - 1).fill({ ...result!, offset: 256 }), result!]
  return {
    ...wasmCounting,
    entries: [{ ...entry!, dispatches: [{ ...dispatch!, bindings }] }],
    wasm: assemble(['count'], 0, { count: { addresses, code } }),
  }
}
