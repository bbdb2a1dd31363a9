/** A stage → the dispatch that does it: its pipeline, the ranges of arenas that it binds, and what it costs. */
import type { Binding, Dispatch } from '../../runtime/abi.ts'
import { type Dim, multiply, substitute, subtract } from '../ir/dim.ts'
import { arrange } from './arrange.ts'
import { factsOf } from './kernel-facts.ts'
import type { PipelineTable } from './pipelines.ts'
import { roundUp, toSize, total } from './sizes.ts'
import type { Loop, MemoryValue, Stage } from './staged.ts'

export function toDispatch(
  stage: Stage,
  at: number,
  loops: readonly Loop[],
  pipelines: PipelineTable,
  locate: (value: MemoryValue) => { arena: number; offset: Dim },
): Dispatch {
  const around = loops.filter(({ first, end }) => first <= at && at < end)
  const repeats = multiply(...around.map((loop) => loop.count))
  const { flops, origins, stops } = factsOf(stage.kernel)
  const { emitted, bindings } = arrange(stage, locate)
  const { pipeline, workgroups } = pipelines.of(emitted, stage.fixed)
  const moved = new Map<MemoryValue, Dim>()
  for (const { value, moved: some } of stage.bindings) moved.set(value, some ?? value.bytes)
  return {
    pipeline,
    bindings: bindings.map(({ value, access, end }): Binding => {
      const { arena, offset } = locate(value)
      // The innermost loop of these turns is the one whose number the kernel reads.
      const turn =
        value.class.kind === 'turns' ? loops.findLastIndex((loop) => around.includes(loop) && loop.turns === value) : -1
      if (turn >= 0) return { arena, offset: toSize(offset), bytes: 16, access, turn }
      const bytes = end ? subtract(end, offset) : roundUp(value.bytes, 16)
      return { arena, offset: toSize(offset), bytes: toSize(bytes), access }
    }),
    workgroups,
    label: emitted.name,
    flops: stage.first ? toSize(multiply(repeats, substitute(flops, stage.fixed))) : 0,
    bytes: toSize(multiply(repeats, total(moved.values()))),
    ...(around.length > 0 && { repeats: toSize(repeats) }),
    origins,
    stops,
  }
}
