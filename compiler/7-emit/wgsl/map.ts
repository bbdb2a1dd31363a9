/** Map kernels: one lane computes one element of the axes, all its stores together. */

import type { Storage } from '../../../runtime/abi.ts'
import { ceilQuotient, type Dim, dim, exactQuotient, one } from '../../ir/dim.ts'
import type { Axis, MapKernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import type { Block } from './block.ts'
import { bind, type Context, flatSize, groupNumber, inside, opaque, rootContext, unflatten } from './context.ts'
import type { MapSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'
import { vectorWidth } from './vector.ts'

export function emitMap(kernel: MapKernel, storages: readonly Storage[], schedule: MapSchedule): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  countStores(shader, kernel.stores)
  const context = rootContext(shader, schedule.guards)
  forEachElement(context, kernel.axes, schedule, (inner) => writeStores(inner, kernel.stores))
  const stage = shader.finish({
    name: kernel.name,
    comment: schedule.steps === 1 ? 'map: one lane an element' : `map: one lane ${schedule.steps} elements`,
    workgroup: [schedule.lanes, 1, 1],
    workgroups: groupsFor(elements(kernel.axes), schedule),
  })
  return { stages: [stage], scratch: [] }
}

/** Lanes of a workgroup, and how many elements each takes one after another. */
export interface Spread {
  readonly lanes: number
  readonly steps: number
}

/** How many workgroups cover a number of elements. */
export const groupsFor = (size: Dim, { lanes, steps }: Spread): readonly [Dim, Dim, Dim] => [
  ceilQuotient(size, dim(lanes * steps)),
  one,
  one,
]

/**
 * Runs `fill` in a block where the axes are bound to this lane's element, for each it has; or to the first of a vector of
 * elements `along` the last axis, whose number is then `flat`.
 */
export function forEachElement(
  context: Context,
  axes: MapKernel['axes'],
  { lanes, steps }: Spread,
  fill: (inner: Context, flat: string) => void,
  along?: Axis,
): void {
  const { shader, block } = context
  const group = groupNumber(context)
  const lane = shader.builtin('lane')
  const vectors = along && { name: along.name, extent: exactQuotient(along.extent, dim(vectorWidth))! }
  const counted = axes.map((axis) => (axis === along ? vectors! : axis))
  const one = (outer: Block, first: string) => {
    const flat = shader.fresh('e')
    outer.line(`let ${flat} = ${first};`)
    outer.nest(`if (${flat} < ${flatSize(context, counted)})`, (inner) => {
      const here = inside(context, inner)
      const names = unflatten(here, counted, flat).map(([axis, name]): readonly [Axis, string] => {
        if (axis !== vectors) return [axis, name]
        const start = shader.fresh('i')
        inner.line(`let ${start} = ${name} * ${vectorWidth}u;`)
        return [along!, start]
      })
      fill(bind(here, names), flat)
    })
  }
  if (steps === 1) {
    one(block, `${group} * ${lanes}u + ${lane}`)
    return
  }
  const step = shader.fresh('s')
  block.nest(`for (var ${step} = 0u; ${step} < ${opaque(shader, `${steps}u`)}; ${step}++)`, (loop) =>
    one(loop, `(${group} * ${steps}u + ${step}) * ${lanes}u + ${lane}`),
  )
}
