/** Running kernels (cumulative sums): one lane walks one row. */

import type { Storage } from '../../../runtime/abi.ts'
import type { RunningKernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { numberText, registerType } from './combine.ts'
import { bind, flatSize, inside, rootContext, tripCount } from './context.ts'
import { accumulator } from './identity.ts'
import { forEachElement, groupsFor } from './map.ts'
import { withoutParentheses } from './print-index.ts'
import { printNamed } from './print-scalar.ts'
import type { LoopSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'

export function emitRunning(
  kernel: RunningKernel,
  storages: readonly Storage[],
  schedule: LoopSchedule,
): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  shader.identities.count(kernel.value)
  countStores(shader, [kernel.store])
  forEachElement(rootContext(shader, schedule.guards), kernel.outer, schedule, (context) => {
    const { dtype } = kernel.value
    const sum = shader.fresh('a')
    context.block.line(`var ${sum}: ${registerType(dtype)} = ${numberText(0, dtype)};`)
    const step = shader.fresh('i')
    const size = flatSize(context, [kernel.row])
    context.block.nest(
      `for (var ${step} = 0u; ${step} < ${tripCount(context, kernel.row.extent)}; ${step}++)`,
      (block) => {
        const here = inside(context, block)
        const at = kernel.reverse ? shader.fresh('i') : step
        if (kernel.reverse) block.line(`let ${at} = ${size} - 1u - ${step};`)
        const row = bind(here, [[kernel.row, at]])
        const value = withoutParentheses(printNamed(row, kernel.value))
        if (!kernel.exclusive) block.line(`${sum} += ${value};`)
        const now = shader.fresh('v')
        block.line(`let ${now} = ${sum};`)
        writeStores(bind(row, [[accumulator, now]]), [kernel.store])
        if (kernel.exclusive) block.line(`${sum} += ${value};`)
      },
    )
  })
  const stage = shader.finish({
    name: kernel.name,
    comment: 'running: one lane a row, its elements in order',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: groupsFor(elements(kernel.outer), schedule),
  })
  return { stages: [stage], scratch: [] }
}
