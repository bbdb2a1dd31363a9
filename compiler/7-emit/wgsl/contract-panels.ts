/**
 * The left operand in panels. Before the product one more dispatch computes it once and lays it out as the tiles read it:
 * `[batch, row tile, depth, row of the tile]`. A lane then reads four neighbouring rows as one vector, where rows of the
 * tensor itself lie apart and, at a distance of a power of two, share few sets of a cache.
 */
import type { Storage } from '../../../runtime/abi.ts'
import { ceilQuotient, type Dim, dim, multiply } from '../../ir/dim.ts'
import type { Axis, ContractKernel } from '../../ir/kernel.ts'
import type { EmittedStage } from '../../lowered.ts'
import { bind, type Context, nameOf, rootContext, unflatten } from './context.ts'
import { type Tile, tileRows } from './contract.ts'
import { forEachElement, groupsFor } from './map.ts'
import { printScalar } from './print-scalar.ts'
import type { ContractSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { components, vectorWidth } from './vector.ts'

export const rowTiles = (kernel: ContractKernel, schedule: ContractSchedule): Dim =>
  ceilQuotient(elements(kernel.rows), dim(tileRows(schedule)))

/** Elements of all panels. Rows past the end are there, and are the last one again. */
export const panelElements = (kernel: ContractKernel, schedule: ContractSchedule): Dim =>
  multiply(elements(kernel.batch), rowTiles(kernel, schedule), elements(kernel.depth), dim(tileRows(schedule)))

/** Fills the panels: a lane computes one vector of rows at one depth. Neighbouring lanes have neighbouring depths. */
export function panelStage(
  kernel: ContractKernel,
  storages: readonly Storage[],
  schedule: ContractSchedule,
  scratch: number,
): EmittedStage {
  const shader = new Shader(kernel.slots, storages)
  shader.identities.count(kernel.left)
  const tile: Axis = { name: 'tile', extent: rowTiles(kernel, schedule) }
  const vector: Axis = { name: 'vector', extent: dim(tileRows(schedule) / vectorWidth) }
  const axes = [...kernel.batch, tile, vector, ...kernel.depth]
  const spread = { lanes: schedule.lanes, steps: 32 }
  forEachElement(rootContext(shader, schedule.guards), axes, spread, (inner) => {
    const size = shader.size(elements(kernel.rows))
    const first = `${nameOf(inner, tile)} * ${tileRows(schedule)}u + ${nameOf(inner, vector)} * ${vectorWidth}u`
    const rows = components.map((_, c) => {
      const row = shader.fresh('i')
      inner.block.line(`let ${row} = min(${first} + ${c}u, ${size} - 1u);`)
      return printScalar(bind(inner, unflatten(inner, kernel.rows, row)), kernel.left)
    })
    const batch = flatText(inner, kernel.batch)
    const panel = panelText(inner, kernel, schedule, batch, nameOf(inner, tile)!)
    const at = `${panel} + (${flatText(inner, kernel.depth)}) * ${vector.extent.constant}u + ${nameOf(inner, vector)}`
    inner.block.line(`${shader.scratch(scratch, 'vec4<f32>', 'write')}[${at}] = vec4f(${rows.join(', ')});`)
  })
  return shader.finish({
    name: `${kernel.name}.panels`,
    comment: 'contract: the left operand, laid out in panels of a tile of rows',
    workgroup: [spread.lanes, 1, 1],
    workgroups: groupsFor(elements(axes), spread),
  })
}

/** Reads of the panel at a depth: for each vector that a lane has, the text of it. */
export function panelReader(tile: Tile, scratch: number): (inner: Context, step: number) => string[] {
  const { kernel, schedule, context, batch, rowTile } = tile
  const { shader, block } = context
  const vectors = schedule.rows / vectorWidth
  const bases = Array.from({ length: Math.ceil(vectors / schedule.subgroup) }, (_, g) => {
    const base = shader.fresh('p')
    const lane = `${shader.builtin('sublane')} + ${g * schedule.subgroup}u`
    const own = vectors % schedule.subgroup === 0 ? lane : `min(${lane}, ${vectors - 1}u)`
    block.line(`let ${base} = ${panelText(context, kernel, schedule, batch, rowTile)} + ${own};`)
    return base
  })
  return (inner, step) => {
    const depth = shader.fresh('i')
    const flat = flatText(inner, kernel.depth)
    inner.block.line(`let ${depth} = (${step === 0 ? flat : `${flat} + ${step}u`}) * ${vectors}u;`)
    return bases.map((base) => {
      const name = shader.fresh('v')
      inner.block.line(`let ${name} = ${shader.scratch(scratch, 'vec4<f32>', 'read')}[${base} + ${depth}];`)
      return name
    })
  }
}

/** The first vector of a panel. */
function panelText(
  { shader }: Context,
  kernel: ContractKernel,
  schedule: ContractSchedule,
  batch: string,
  tile: string,
): string {
  const place = batch === '0u' ? tile : `((${batch}) * ${shader.size(rowTiles(kernel, schedule))} + ${tile})`
  return `${place} * ${shader.size(multiply(elements(kernel.depth), dim(schedule.rows / vectorWidth)))}`
}

/** The row-major flat index of axes that are bound. */
function flatText(context: Context, axes: readonly Axis[]): string {
  let text = ''
  for (const axis of axes) {
    if (axis.extent.constant === 1) continue
    const name = nameOf(context, axis)!
    text = text === '' ? name : `(${text}) * ${context.shader.size(axis.extent)} + ${name}`
  }
  return text === '' ? '0u' : text
}
