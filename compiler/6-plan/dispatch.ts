/** A stage → the dispatch that does it: its pipeline, the ranges of arenas that it binds, and what it costs. */
import type { Binding, Dispatch, Size } from '../../runtime/abi.ts'
import { type Dim, multiply, substitute, subtract, zero } from '../ir/dim.ts'
import { arrange, type Bound } from './arrange.ts'
import { factsOf } from './kernel-facts.ts'
import type { PipelineTable } from './pipelines.ts'
import { roundUp, toSize, total } from './sizes.ts'
import type { Loop, MemoryValue, StageBinding, StagedEntry } from './staged.ts'

type Locate = (value: MemoryValue) => { readonly arena: number; readonly offset: Dim }

/** The dispatches of entries that are planned together. */
export class Dispatches {
  private readonly pipelines: PipelineTable
  private readonly locate: Locate
  /** Bindings of whole values, by number: most are bound by several stages. */
  private readonly whole: { [A in Binding['access']]?: Binding }[] = []

  constructor(pipelines: PipelineTable, locate: Locate) {
    this.pipelines = pipelines
    this.locate = locate
  }

  of({ stages, loops }: StagedEntry): Dispatch[] {
    return stages.map((stage, at) => {
      const around = loops.length === 0 ? loops : loops.filter(({ first, end }) => first <= at && at < end)
      const repeats = around.length === 0 ? undefined : multiply(...around.map((loop) => loop.count))
      const { flops, origins, stops } = factsOf(stage.kernel)
      const { emitted, bindings } = arrange(stage, this.locate)
      const { pipeline, workgroups } = this.pipelines.of(emitted, stage.fixed)
      const bound: Binding[] = []
      for (let i = 0; i < bindings.length; i++) bound.push(this.binding(bindings[i]!, loops, around))
      const done = stage.first ? substitute(flops, stage.fixed) : zero
      const moved = movedBytes(stage.bindings)
      const label = emitted.name
      return repeats
        ? {
            pipeline,
            bindings: bound,
            workgroups,
            label,
            flops: toSize(multiply(repeats, done)),
            bytes: toSize(multiply(repeats, moved)),
            repeats: toSize(repeats),
            origins,
            stops,
          }
        : {
            pipeline,
            bindings: bound,
            workgroups,
            label,
            flops: toSize(done),
            bytes: toSize(moved),
            origins,
            stops,
          }
    })
  }

  private binding({ value, access, end }: Bound, loops: readonly Loop[], around: readonly Loop[]): Binding {
    if (value.class.kind === 'turns') {
      const { arena, offset } = this.locate(value)
      // The innermost loop of these turns is the one whose number the kernel reads.
      const turn = loops.findLastIndex((loop) => around.includes(loop) && loop.turns === value)
      if (turn >= 0) return { arena, offset: toSize(offset), bytes: 16, access, turn }
    }
    if (end) {
      const { arena, offset } = this.locate(value)
      return { arena, offset: toSize(offset), bytes: toSize(subtract(end, offset)), access }
    }
    let known = this.whole[value.number]
    if (!known) {
      known = {}
      this.whole[value.number] = known
    }
    let made = known[access]
    if (!made) {
      const { arena, offset } = this.locate(value)
      made = { arena, offset: toSize(offset), bytes: boundBytes(value.bytes), access }
      known[access] = made
    }
    return made
  }
}

/** Few sizes are those of many values. */
function boundBytes(bytes: Dim): Size {
  if (bytes.constant !== undefined) return Math.ceil(bytes.constant / 16) * 16
  const known = sizesOfBytes.get(bytes)
  if (known !== undefined) return known
  const size = toSize(roundUp(bytes, 16))
  sizesOfBytes.set(bytes, size)
  return size
}
const sizesOfBytes = new WeakMap<Dim, Size>()

/** A value that is bound twice moves once. */
function movedBytes(bindings: readonly StageBinding[]): Dim {
  const sizes: Dim[] = []
  for (let i = 0; i < bindings.length; i++) {
    const { value, moved = value.bytes } = bindings[i]!
    let later = i + 1
    while (later < bindings.length && bindings[later]!.value !== value) later += 1
    if (later === bindings.length) sizes.push(moved)
  }
  return total(sizes)
}
