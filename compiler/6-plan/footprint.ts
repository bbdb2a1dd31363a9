/**
 * The certificate of a compiled program: what opening a session for inference or for training allocates, and what one
 * run does, exactly, as polynomials in the free dims. It is computed from the finished plan alone, so that whoever has
 * the plan can check it.
 */
import {
  addSizes,
  arenasOf,
  type CompiledProgram,
  type Footprint,
  type FootprintPart,
  type Size,
  type SizeTerm,
  stagingBytes,
} from '../../runtime/abi.ts'
import { wasmStaging } from '../../runtime/wasm/layout.ts'

type Planned = Omit<CompiledProgram, 'footprint'>

export function certify(program: Planned): Footprint {
  const named = (name: string) => program.entries.some((e) => e.name === name)
  const training = named('step')
    ? part(program, ['step', ...(named('evaluate') ? ['evaluate'] : [])], 'step')
    : undefined
  const single =
    program.entries.find((e) => e.name !== 'step' && e.name !== 'evaluate')?.name ?? (training ? 'step' : 'evaluate')
  // A generation needs all entries of the incremental form; what a token costs is one `advance`.
  const stepping = single === 'begin'
  const inference = stepping
    ? part(
        program,
        program.entries.map(({ name }) => name),
        'advance',
      )
    : part(program, [single], single)
  return { inference, training }
}

/** `measured` is the entry whose operations are counted: evaluation shares a training session but is not part of a step. */
function part(program: Planned, entries: readonly string[], measured: string): FootprintPart {
  const arenas = arenasOf(program, entries)
  const bytes = program.arenas.map((arena) => arena.bytes)
  const staging = program.wasm ? wasmStaging(program, entries, bytes) : stagingBytes(program, entries)
  const { dispatches } = program.entries.find((e) => e.name === measured)!
  return {
    entries,
    arenas,
    bytes: sum([...arenas.map((a) => program.arenas[a]!.bytes), staging]),
    staging,
    flops: sum(dispatches.map((d) => d.flops)),
    moved: sum(dispatches.map((d) => d.bytes)),
    dispatches: dispatches.length,
    pipelines: new Set(
      program.entries.filter((e) => entries.includes(e.name)).flatMap((e) => e.dispatches.map((d) => d.pipeline)),
    ).size,
  }
}

/** Many dispatches are of one size: each size is added once, as many times over as it is there. */
function sum(sizes: readonly Size[]): Size {
  let known = 0
  const counts = new Map<Exclude<Size, number>, number>()
  for (const size of sizes)
    if (typeof size === 'number') known += size
    else counts.set(size, (counts.get(size) ?? 0) + 1)
  const multiples = [...counts].map(
    ([{ terms }, count]): Size => ({
      terms: terms.map(([coefficient, ...factors]): SizeTerm => [count * coefficient, ...factors]),
    }),
  )
  return addSizes(known, ...multiples)
}
