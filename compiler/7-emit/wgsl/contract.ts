/**
 * Contractions: `out[batch, rows, columns] = Σ_depth left · right`. A workgroup computes one tile of the output, an
 * invocation a few rows and columns of it in registers, so that each operand element that is read serves several
 * products. How the operands reach the registers is the schedule's choice; the stores at the end are the same for all.
 */

import type { Storage } from '../../../runtime/abi.ts'
import { ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import type { ContractKernel } from '../../ir/kernel.ts'
import type { EmittedKernel, EmittedStage } from '../../lowered.ts'
import { bind, type Context, groupNumber, inside, rootContext, unflatten } from './context.ts'
import { accumulateRegisters } from './contract-registers.ts'
import { writeTile } from './contract-stores.ts'
import { accumulateWorkgroup } from './contract-workgroup.ts'
import { accumulator } from './identity.ts'
import { forEachElement, groupsFor } from './map.ts'
import type { ContractSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'

/** One workgroup's tile, while it is printed. */
export interface Tile {
  readonly kernel: ContractKernel
  readonly schedule: ContractSchedule
  /** Where the batch axes are bound. */
  readonly context: Context
  /** Text of the first row and column of the tile, as flat indices. */
  readonly row: string
  readonly column: string
  /** The part of the outermost depth axis that this workgroup sums: text of its first index and of its end. */
  readonly part: { readonly first: string; readonly end: string } | undefined
}

/** The flat row of this invocation's i-th result, and the flat column of its j-th: text of type u32. */
export function rowText(tile: Tile, i: string): string {
  const { schedule, context, row } = tile
  if (schedule.rowLanes === 1) return `${row} + ${i}`
  return `${row} + (${context.shader.builtin('lane')} / ${schedule.lanes}u) * ${schedule.rows}u + ${i}`
}
export function columnText(tile: Tile, j: string): string {
  const { schedule, context, column } = tile
  const lane = context.shader.builtin('lane')
  return `${column} + ${schedule.rowLanes === 1 ? lane : `${lane} % ${schedule.lanes}u`} + ${j === '0u' ? '0u' : `${j} * ${schedule.lanes}u`}`
}

/** Rows and columns of a workgroup's tile. */
export const tileRows = (s: ContractSchedule): number => s.rows * s.rowLanes
export const tileColumns = (s: ContractSchedule): number => s.columns * s.lanes

export function emitContract(
  kernel: ContractKernel,
  storages: readonly Storage[],
  schedule: ContractSchedule,
): EmittedKernel {
  const main = productStage(kernel, storages, schedule)
  if (schedule.split === 1) return { stages: [main], scratch: [] }
  const results = elements([...kernel.batch, ...kernel.rows, ...kernel.columns])
  return {
    stages: [main, sumStage(kernel, storages, schedule)],
    scratch: [{ elements: multiply(dim(schedule.split), results), storage: 'f32' }],
  }
}

function productStage(kernel: ContractKernel, storages: readonly Storage[], schedule: ContractSchedule): EmittedStage {
  const shader = new Shader(kernel.slots, storages)
  shader.identities.count(kernel.left)
  shader.identities.count(kernel.right)
  countStores(shader, kernel.stores)
  const root = rootContext(shader, schedule.guards)
  const columnTiles = ceilQuotient(elements(kernel.columns), dim(tileColumns(schedule)))
  const rowTiles = ceilQuotient(elements(kernel.rows), dim(tileRows(schedule)))
  const batches = elements(kernel.batch)
  const groups = multiply(columnTiles, rowTiles, batches, dim(schedule.split))
  const group = groupNumber(root)
  shader.body.nest(`if (${group} < ${shader.size(groups)})`, (block) => {
    const here = inside(root, block)
    const counts: Dim[] = [columnTiles, rowTiles, batches]
    const [columnTile, rowTile, batch, part] = places(here, group, counts)
    const row = shader.fresh('row')
    block.line(`let ${row} = ${times(rowTile!, tileRows(schedule))};`)
    const column = shader.fresh('column')
    block.line(`let ${column} = ${times(columnTile!, tileColumns(schedule))};`)
    const context = bind(here, unflatten(here, kernel.batch, batch!))
    const tile: Tile = {
      kernel,
      schedule,
      context,
      row,
      column,
      part: schedule.split === 1 ? undefined : partOf(context, kernel, schedule, part!),
    }
    const sums = schedule.by === 'workgroup' ? accumulateWorkgroup(tile) : accumulateRegisters(tile)
    writeTile(tile, sums, (element) => {
      if (schedule.split === 1) return writeStores(element.context, kernel.stores)
      const scratch = shader.scratch(0, 'f32', 'write')
      const R = shader.size(elements(kernel.rows))
      const C = shader.size(elements(kernel.columns))
      const cell = `((${part} * ${shader.size(batches)} + ${batch}) * ${R} + ${element.row}) * ${C} + ${element.column}`
      element.context.block.line(`${scratch}[${cell}] = ${element.sum};`)
    })
  })
  return shader.finish({
    name: schedule.split === 1 ? kernel.name : `${kernel.name}.parts`,
    comment: describe(schedule),
    workgroup: [schedule.lanes * schedule.rowLanes, 1, 1],
    workgroups: [groups, one, one],
  })
}

/** The second dispatch of a split contraction: sums the parts in order, then stores. */
function sumStage(kernel: ContractKernel, storages: readonly Storage[], schedule: ContractSchedule): EmittedStage {
  const shader = new Shader(kernel.slots, storages)
  countStores(shader, kernel.stores)
  const axes = [...kernel.batch, ...kernel.rows, ...kernel.columns]
  const results = shader.size(elements(axes))
  const spread = { lanes: 64, steps: 1 }
  forEachElement(rootContext(shader, schedule.guards), axes, spread, (context, flat) => {
    const sum = shader.fresh('a')
    const part = shader.fresh('i')
    context.block.line(`var ${sum} = 0.0f;`)
    context.block.nest(`for (var ${part} = 0u; ${part} < ${schedule.split}u; ${part}++)`, (loop) => {
      loop.line(`${sum} += ${shader.scratch(0, 'f32', 'read')}[${part} * ${results} + ${flat}];`)
    })
    writeStores(bind(context, [[accumulator, sum]]), kernel.stores)
  })
  return shader.finish({
    name: `${kernel.name}.sum`,
    comment: 'contract: the parts summed, and the stores',
    workgroup: [spread.lanes, 1, 1],
    workgroups: groupsFor(elements(axes), spread),
  })
}

/** A flat number taken apart by counts, the first fastest; what is left comes last. A count of 1 costs nothing. */
function places(context: Context, flat: string, counts: readonly Dim[]): string[] {
  const { shader, block } = context
  const names: string[] = []
  let rest = flat
  for (const count of counts) {
    if (count.constant === 1) {
      names.push('0u')
      continue
    }
    const name = shader.fresh('g')
    block.line(`let ${name} = ${rest} % ${shader.divisor(count)};`)
    names.push(name)
    const next = shader.fresh('g')
    block.line(`let ${next} = ${rest} / ${shader.divisor(count)};`)
    rest = next
  }
  return [...names, rest]
}

const times = (text: string, factor: number): string => (text === '0u' ? '0u' : `${text} * ${factor}u`)

function partOf(
  context: Context,
  kernel: ContractKernel,
  schedule: ContractSchedule,
  part: string,
): { first: string; end: string } {
  const { shader, block } = context
  const extent = kernel.depth[0]!.extent
  const share = shader.size(ceilQuotient(extent, dim(schedule.split)))
  const first = shader.fresh('b')
  block.line(`let ${first} = ${part} * ${share};`)
  const end = shader.fresh('b')
  block.line(`let ${end} = min(${first} + ${share}, ${shader.size(extent)});`)
  return { first, end }
}

function describe(s: ContractSchedule): string {
  const size = `${s.rows} x ${s.columns} results an invocation, ${s.lanes} lanes along the columns`
  const parts = s.split === 1 ? '' : `, the depth in ${s.split} parts`
  switch (s.by) {
    case 'registers':
      return `contract: ${size}${parts}`
    case 'subgroup':
      return `contract: ${size}, rows shared by subgroup broadcast${parts}`
    case 'workgroup':
      return `contract: ${size}, operands staged in workgroup memory${parts}`
    default:
      return s.by satisfies never
  }
}
