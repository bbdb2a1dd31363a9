/**
 * Contractions: `out[batch, rows, columns] = Σ_depth left · right`. A workgroup computes one tile of the output, an
 * invocation a few rows and columns of it in registers, so that each operand element that is read serves several
 * products. How the operands reach the registers is the schedule's choice; the stores at the end are the same for all.
 */

import type { Storage } from '../../../runtime/abi.ts'
import { dim, exactQuotient, multiply, one } from '../../ir/dim.ts'
import type { Axis, ContractKernel } from '../../ir/kernel.ts'
import type { EmittedKernel, EmittedStage } from '../../lowered.ts'
import { bind, opaque, rootContext } from './context.ts'
import { panelElements, panelStage } from './contract-panels.ts'
import { accumulateRegisters, countOperands, type Operands, operandsOf } from './contract-registers.ts'
import { writeTile } from './contract-stores.ts'
import { onTiles, type TilePlace } from './contract-tiles.ts'
import { accumulateWorkgroup } from './contract-workgroup.ts'
import { accumulator } from './identity.ts'
import { forEachElement, groupsFor } from './map.ts'
import type { ContractSchedule } from './schedule.ts'
import { elements, Shader, type Vectors } from './shader.ts'
import { countFourStores, countStores, type FourStores, fourStores, writeFourStores, writeStores } from './stores.ts'
import { innermost, vectorSlots, vectorWidth } from './vector.ts'

/** One workgroup's tile, while it is printed. */
export interface Tile extends TilePlace {
  readonly kernel: ContractKernel
  readonly schedule: ContractSchedule
  /** The stores at a vector of columns, where the schedule has vectors. */
  readonly four: FourStores | undefined
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
  const own = schedule.rowLanes === 1 ? lane : `${lane} % ${schedule.lanes}u`
  const unit = j === '0u' ? own : `${own} + ${j} * ${schedule.lanes}u`
  if (schedule.vector === 1) return `${column} + ${unit}`
  return `${column} + ${j === '0u' && schedule.rowLanes === 1 ? unit : `(${unit})`} * ${schedule.vector}u`
}

/** Rows and columns of a workgroup's tile. */
export const tileRows = (s: ContractSchedule): number => s.rows * s.rowLanes
export const tileColumns = (s: ContractSchedule): number => s.columns * s.lanes * s.vector

export function emitContract(
  kernel: ContractKernel,
  storages: readonly Storage[],
  chosen: ContractSchedule,
): EmittedKernel {
  const schedule = fitted(kernel, chosen)
  const isSplit = schedule.split > 1
  const results = elements([...kernel.batch, ...kernel.rows, ...kernel.columns])
  const sizes = [
    ...(isSplit ? [multiply(dim(schedule.split), results)] : []),
    ...(schedule.panels ? [panelElements(kernel, schedule)] : []),
  ]
  return {
    stages: [
      ...(schedule.panels ? [panelStage(kernel, storages, schedule, panelsScratch(schedule))] : []),
      productStage(kernel, storages, schedule),
      ...(isSplit ? [sumStage(kernel, storages, schedule)] : []),
    ],
    scratch: sizes.map((size) => ({ elements: size, storage: 'f32' })),
  }
}

/** Which scratch tensor holds the panels: the parts of a split come first. */
export const panelsScratch = (schedule: ContractSchedule): number => (schedule.split > 1 ? 1 : 0)

/** The schedule with vectors and turns only where the kernel's extents are multiples of them. */
function fitted(kernel: ContractKernel, schedule: ContractSchedule): ContractSchedule {
  const divides = (axes: readonly Axis[], by: number) => {
    const extent = innermost(axes)?.extent.constant
    return extent !== undefined && extent > 0 && extent % by === 0
  }
  const staged = schedule.by === 'workgroup'
  return {
    ...schedule,
    vector: !staged && divides(kernel.columns, schedule.vector) ? schedule.vector : 1,
    unroll: !staged && divides(kernel.depth, schedule.unroll) ? schedule.unroll : 1,
    panels: schedule.panels && schedule.by === 'subgroup' && schedule.rows % vectorWidth === 0,
  }
}

/** What runs along vectors: the columns of one, and the depth indices of one turn. */
function vectorsOf(kernel: ContractKernel, { vector, unroll }: ContractSchedule, operands: Operands): Vectors {
  const column = vector > 1 ? innermost(kernel.columns) : undefined
  const depth = innermost(kernel.depth)
  const inTurns =
    depth && unroll > 1 && (unroll % vectorWidth === 0 || depth.extent.constant === unroll) ? depth : undefined
  const aligned = new Set([column, inTurns].filter((axis) => axis !== undefined))
  const stores = vector > 1 ? kernel.stores : []
  return { slots: vectorSlots(kernel.slots, [...operands.left, ...operands.right.flat()], stores, aligned), aligned }
}

function productStage(kernel: ContractKernel, storages: readonly Storage[], schedule: ContractSchedule): EmittedStage {
  const operands = operandsOf(kernel, schedule)
  const vectors = vectorsOf(kernel, schedule, operands)
  const four = schedule.vector > 1 ? fourStores(kernel.stores, innermost(kernel.columns)!) : undefined
  const shader = new Shader(kernel.slots, storages, vectors)
  countOperands(shader, operands)
  if (four) countFourStores(shader, four)
  else countStores(shader, kernel.stores)
  const root = rootContext(shader, schedule.guards)
  const shape = {
    rows: tileRows(schedule),
    columns: tileColumns(schedule),
    split: schedule.split,
    turn: schedule.unroll,
  }
  const groups = onTiles(root, kernel, shape, (place) => {
    const tile: Tile = { ...place, kernel, schedule, four }
    const sums = schedule.by === 'workgroup' ? accumulateWorkgroup(tile) : accumulateRegisters(tile, operands)
    writeTile(tile, sums, (element) => {
      if (schedule.split === 1) {
        if (four) writeFourStores(element.context, four, element.sum)
        else writeStores(bind(element.context, [[accumulator, element.sum]]), kernel.stores)
        return
      }
      const scratch = shader.scratch(0, four ? 'vec4<f32>' : 'f32', 'write')
      const cell = tile.cell(element.row, element.column)
      element.context.block.line(`${scratch}[${four ? `(${cell}) / 4u` : cell}] = ${element.sum};`)
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
export function sumStage(
  kernel: ContractKernel,
  storages: readonly Storage[],
  schedule: Pick<ContractSchedule, 'vector' | 'guards' | 'split'>,
): EmittedStage {
  const axes = [...kernel.batch, ...kernel.rows, ...kernel.columns]
  const along = schedule.vector > 1 ? innermost(kernel.columns)! : undefined
  const aligned = new Set(along ? [along] : [])
  const shader = new Shader(kernel.slots, storages, {
    slots: vectorSlots(kernel.slots, [], along ? kernel.stores : [], aligned),
    aligned,
  })
  const four = along && fourStores(kernel.stores, along)
  if (four) countFourStores(shader, four)
  else countStores(shader, kernel.stores)
  const width = along ? vectorWidth : 1
  const cells = exactQuotient(elements(axes), dim(width))!
  const spread = { lanes: 64, steps: 1 }
  forEachElement(
    rootContext(shader, schedule.guards),
    axes,
    spread,
    (context, flat) => {
      const sum = shader.fresh('a')
      const part = shader.fresh('i')
      context.block.line(`var ${sum} = ${along ? 'vec4f()' : '0.0f'};`)
      context.block.nest(
        `for (var ${part} = 0u; ${part} < ${opaque(shader, `${schedule.split}u`)}; ${part}++)`,
        (loop) => {
          const scratch = shader.scratch(0, along ? 'vec4<f32>' : 'f32', 'read')
          loop.line(`${sum} += ${scratch}[${part} * ${shader.size(cells)} + ${flat}];`)
        },
      )
      if (four) writeFourStores(context, four, sum)
      else writeStores(bind(context, [[accumulator, sum]]), kernel.stores)
    },
    along,
  )
  return shader.finish({
    name: `${kernel.name}.sum`,
    comment: 'contract: the parts summed, and the stores',
    workgroup: [spread.lanes, 1, 1],
    workgroups: groupsFor(cells, spread),
  })
}

function describe(s: ContractSchedule): string {
  const columns = s.vector === 1 ? `${s.columns}` : `${s.columns} vectors of ${s.vector}`
  const size = `${s.rows} x ${columns} results an invocation, ${s.lanes} lanes along the columns`
  const panels = s.panels ? ', from panels' : ''
  const parts = `${panels}${s.split === 1 ? '' : `, the depth in ${s.split} parts`}`
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
