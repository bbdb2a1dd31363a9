/**
 * Row kernels: for each outer index, reductions over a row one after another, then stores for its elements and results.
 * A row belongs to one lane (many short rows), to one workgroup (long rows), or to many workgroups (few very long rows).
 */

import type { Storage } from '../../../runtime/abi.ts'
import { one } from '../../ir/dim.ts'
import type { RowKernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { bind, type Context, flatSize, groupNumber, inside, loops, rootContext, unflatten } from './context.ts'
import { forEachElement, groupsFor } from './map.ts'
import { accumulate, combineLanes, declareAccumulator, finished, levelsOf } from './reduction.ts'
import { emitRowParts } from './row-parts.ts'
import type { RowSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'

export function emitRow(kernel: RowKernel, storages: readonly Storage[], schedule: RowSchedule): EmittedKernel {
  switch (schedule.by) {
    case 'lane':
      return byLane(kernel, storages, schedule)
    case 'workgroup':
      return byWorkgroup(kernel, storages, schedule)
    case 'parts':
      return emitRowParts(kernel, storages, schedule)
    default:
      return schedule satisfies never
  }
}

export function countRow(shader: Shader, kernel: RowKernel): void {
  for (const { value } of kernel.stages) shader.identities.count(value)
  countStores(shader, kernel.stores)
  countStores(shader, kernel.results)
}

function byLane(
  kernel: RowKernel,
  storages: readonly Storage[],
  schedule: Extract<RowSchedule, { by: 'lane' }>,
): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  countRow(shader, kernel)
  forEachElement(rootContext(shader, schedule.guards), kernel.outer, schedule, (outer) => {
    let context = outer
    for (const level of levelsOf(kernel.stages)) {
      const accumulators = level.map((i) => {
        const { combine, value } = kernel.stages[i]!
        return declareAccumulator(context, combine, value.dtype)
      })
      const counter = accumulators.some((a) => a.position !== undefined) ? shader.fresh('c') : ''
      if (counter) context.block.line(`var ${counter} = 0u;`)
      loops(context, kernel.row, (inner) => {
        for (const [at, i] of level.entries()) accumulate(inner, accumulators[at]!, kernel.stages[i]!.value, counter)
        if (counter) inner.block.line(`${counter}++;`)
      })
      context = bind(
        context,
        level.map((i, at) => [i, finished(accumulators[at]!)] as const),
      )
    }
    if (kernel.stores.length > 0) loops(context, kernel.row, (inner) => writeStores(inner, kernel.stores))
    writeStores(context, kernel.results)
  })
  const stage = shader.finish({
    name: kernel.name,
    comment: 'row: one lane a row',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: groupsFor(elements(kernel.outer), schedule),
  })
  return { stages: [stage], scratch: [] }
}

function byWorkgroup(kernel: RowKernel, storages: readonly Storage[], schedule: RowSchedule): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  countRow(shader, kernel)
  const root = rootContext(shader, schedule.guards)
  const group = groupNumber(root)
  const lane = shader.builtin('lane')
  shader.body.nest(`if (${group} < ${flatSize(root, kernel.outer)})`, (block) => {
    const here = inside(root, block)
    let context = bind(here, unflatten(here, kernel.outer, group))
    for (const level of levelsOf(kernel.stages)) {
      const accumulators = level.map((i) => {
        const { combine, value } = kernel.stages[i]!
        return declareAccumulator(context, combine, value.dtype)
      })
      strided(context, kernel.row, lane, schedule.lanes, (inner, flat) => {
        for (const [at, i] of level.entries()) accumulate(inner, accumulators[at]!, kernel.stages[i]!.value, flat)
      })
      const totals = combineLanes(context, accumulators, schedule.lanes)
      context = bind(
        context,
        level.map((i, at) => [i, finished(totals[at]!)] as const),
      )
    }
    if (kernel.stores.length > 0)
      strided(context, kernel.row, lane, schedule.lanes, (inner) => writeStores(inner, kernel.stores))
    if (kernel.results.length > 0)
      block.nest(`if (${lane} == 0u)`, (inner) => writeStores(bind(inside(context, inner), []), kernel.results))
  })
  const stage = shader.finish({
    name: kernel.name,
    comment: 'row: one workgroup a row, its lanes stride over the elements and combine in a tree',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [elements(kernel.outer), one, one],
  })
  return { stages: [stage], scratch: [] }
}

/** A loop over the row's flat index from `first` in steps, with the row's axes bound. */
export function strided(
  context: Context,
  row: RowKernel['row'],
  first: string,
  step: number,
  fill: (inner: Context, flat: string) => void,
  end?: string,
): void {
  const flat = context.shader.fresh('e')
  const limit = end ?? flatSize(context, row)
  context.block.nest(`for (var ${flat} = ${first}; ${flat} < ${limit}; ${flat} += ${step}u)`, (block) => {
    const here = inside(context, block)
    fill(bind(here, unflatten(here, row, flat)), flat)
  })
}
