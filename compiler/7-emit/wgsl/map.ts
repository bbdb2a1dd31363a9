/** Map kernels: one lane computes one element of the axes, all its stores together. */
import { ceilQuotient, dim, one } from '../../ir/dim.ts'
import type { MapKernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import type { Storage } from '../../../runtime/abi.ts'
import { bind, type Context, flatSize, groupNumber, inside, rootContext, unflatten } from './context.ts'
import type { MapSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'

export function emitMap(kernel: MapKernel, storages: readonly Storage[], schedule: MapSchedule): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  countStores(shader, kernel.stores)
  const context = rootContext(shader, schedule.guards)
  forEachElement(context, kernel.axes, schedule.lanes, (inner) => writeStores(inner, kernel.stores))
  const size = elements(kernel.axes)
  const stage = shader.finish({
    name: kernel.name,
    comment: 'map: one lane an element',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [ceilQuotient(size, dim(schedule.lanes)), one, one],
  })
  return { stages: [stage], scratch: [] }
}

/** Runs `fill` in a block where the axes are bound to this lane's element, if it has one. */
export function forEachElement(
  context: Context,
  axes: MapKernel['axes'],
  lanes: number,
  fill: (inner: Context, flat: string) => void,
): void {
  const { shader, block } = context
  const group = groupNumber(context)
  const flat = shader.fresh('e')
  block.line(`let ${flat} = ${group} * ${lanes}u + ${shader.builtin('lane')};`)
  block.nest(`if (${flat} < ${flatSize(context, axes)})`, (inner) => {
    const here = inside(context, inner)
    fill(bind(here, unflatten(here, axes, flat)), flat)
  })
}
