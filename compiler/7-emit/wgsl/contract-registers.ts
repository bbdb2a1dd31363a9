/**
 * The sums of a tile with operands straight from storage. Every lane holds some columns, or vectors of neighbouring
 * columns, and all rows of the tile. In the plain form each lane reads the left operand for every row; in the subgroup form
 * lane s reads rows s, s + S, … and the others get them by broadcast, which replaces most loads by register moves.
 */
import type { Axis, ContractKernel, Scalar } from '../../ir/kernel.ts'
import { bind, type Context, loops, unflatten } from './context.ts'
import { columnText, panelsScratch, rowText, type Tile, tileColumns, tileRows } from './contract.ts'
import { panelReader } from './contract-panels.ts'
import { printNamed, printScalar } from './print-scalar.ts'
import type { ContractSchedule } from './schedule.ts'
import { elements, type Shader } from './shader.ts'
import { shiftScalar } from './shift.ts'
import { components, innermost, vectorWidth } from './vector.ts'

/**
 * The operands at each of the depth indices that a turn takes, the right one at each component of a vector. A left operand
 * that comes from panels is none of this kernel's.
 */
export interface Operands {
  readonly left: readonly Scalar[]
  readonly right: readonly (readonly Scalar[])[]
}

export function operandsOf(kernel: ContractKernel, { unroll, vector, panels }: ContractSchedule): Operands {
  const depth = innermost(kernel.depth)
  const column = innermost(kernel.columns)
  const at = (scalar: Scalar, step: number, component: number) =>
    shiftScalar(
      scalar,
      new Map([...(depth ? [[depth, step] as const] : []), ...(column ? [[column, component] as const] : [])]),
    )
  const steps = Array.from({ length: unroll }, (_, step) => step)
  return {
    left: panels ? [] : steps.map((step) => at(kernel.left, step, 0)),
    right: steps.map((step) => Array.from({ length: vector }, (_, c) => at(kernel.right, step, c))),
  }
}

export function countOperands(shader: Shader, { left, right }: Operands): void {
  for (const scalar of [...left, ...right.flat()]) shader.identities.count(scalar)
}

/** Names of the finished sums, by row and column (or vector of columns) of the invocation. */
export function accumulateRegisters(tile: Tile, operands: Operands): string[][] {
  const { kernel, schedule, context } = tile
  const { shader, block } = context
  const broadcast = schedule.by === 'subgroup'
  if (broadcast) shader.need('subgroups')
  const leftAt = schedule.panels ? panelReader(tile, panelsScratch(schedule)) : leftReader(tile, operands)
  const columns = Array.from({ length: schedule.columns }, (_, j) =>
    instance(tile, kernel.columns, columnText(tile, `${j}u`), tileColumns(schedule), schedule.vector),
  )
  const sums = Array.from({ length: schedule.rows }, () =>
    Array.from({ length: schedule.columns }, () => shader.fresh('c')),
  )
  const isVector = schedule.vector > 1
  for (const name of sums.flat()) block.line(`var ${name} = ${isVector ? 'vec4f()' : '0.0f'};`)
  const perLane = schedule.panels ? vectorWidth : 1
  depthLoops(tile, (inner) => {
    const depth = inner.binders.slice(context.binders.length)
    const at = (place: Context): Context => ({ ...inner, binders: [...place.binders, ...depth] })
    const steps = operands.right.map((right, step) => ({
      right: columns.map((place) => printVector(at(place), right)),
      left: leftAt(inner, step),
    }))
    // Row by row: a sum is read and written once for all depth indices of the turn where registers are too few for all.
    sums.forEach((row, i) => {
      const factors = steps.map(({ left }) => {
        if (!broadcast) return left[i]!
        const [vector, component] = [Math.floor(i / perLane), i % perLane]
        const from = left[Math.floor(vector / schedule.subgroup)]!
        const value = shader.fresh('v')
        const own = schedule.panels ? `${from}.${components[component]}` : from
        inner.block.line(`let ${value} = subgroupBroadcast(${own}, ${vector % schedule.subgroup}u);`)
        return value
      })
      for (const [j, sum] of row.entries())
        steps.forEach(({ right }, step) => {
          const factor = isVector ? `vec4f(${factors[step]})` : factors[step]
          inner.block.line(`${sum} = fma(${factor}, ${right[j]}, ${sum});`)
        })
    })
  })
  return sums
}

/** Reads of the left operand at a step of the turn: for each row that a lane reads, the text of it. */
function leftReader(tile: Tile, operands: Operands): (inner: Context, step: number) => string[] {
  const { kernel, schedule, context } = tile
  const { shader } = context
  const broadcast = schedule.by === 'subgroup'
  const rows = Array.from(
    { length: broadcast ? Math.ceil(schedule.rows / schedule.subgroup) : schedule.rows },
    (_, i) =>
      instance(
        tile,
        kernel.rows,
        broadcast ? `${tile.row} + ${shader.builtin('sublane')} + ${i * schedule.subgroup}u` : rowText(tile, `${i}u`),
        tileRows(schedule),
        1,
      ),
  )
  return (inner, step) => {
    const depth = inner.binders.slice(context.binders.length)
    return rows.map((place) => printNamed({ ...inner, binders: [...place.binders, ...depth] }, operands.left[step]!))
  }
}

/** The value at each component as one name: the vector itself, where all of it was loaded at once. */
function printVector(context: Context, values: readonly Scalar[]): string {
  if (values.length === 1) return printNamed(context, values[0]!)
  const texts = values.map((value) => printScalar(context, value))
  const vector = /^(\w+)\.x$/.exec(texts[0]!)?.[1]
  if (vector !== undefined && texts.every((text, c) => text === `${vector}.${components[c]}`)) return vector
  const name = context.shader.fresh('v')
  context.block.line(`let ${name} = vec4f(${texts.join(', ')});`)
  return name
}

/** The context of one row or column: past the end it is the last one again, whose sum is then not stored. */
function instance(tile: Tile, axes: readonly Axis[], flat: string, step: number, width: number): Context {
  const { context } = tile
  const { shader, block } = context
  const size = elements(axes)
  const name = shader.fresh('i')
  const fits = size.constant !== undefined && size.constant % step === 0
  const last =
    size.constant === undefined ? `${shader.size(size)} - ${width}u` : `${Math.max(0, size.constant - width)}u`
  block.line(`let ${name} = ${fits ? flat : `min(${flat}, ${last})`};`)
  return bind(context, unflatten(context, axes, name))
}

/**
 * Loops over the depth axes, the innermost in steps of as many indices as a turn takes; the outermost runs over this
 * workgroup's part of it.
 */
export function depthLoops(tile: Tile, fill: (inner: Context) => void): void {
  const { context, kernel, part, schedule } = tile
  const [outermost, ...rest] = kernel.depth
  // A driver in software would unroll 20 turns of 6 loads, and compile for 4 seconds; the height of a filter is worth it.
  const unrolled = schedule.stores === 'loop' ? 5 : undefined
  const turns = { axis: innermost(kernel.depth), step: schedule.unroll, unrolled }
  if (!part || !outermost) {
    loops(context, kernel.depth, fill, turns)
    return
  }
  const i = context.shader.fresh('i')
  const step = outermost === turns.axis && turns.step > 1 ? `${i} += ${turns.step}u` : `${i}++`
  context.block.nest(`for (var ${i} = ${part.first}; ${i} < ${part.end}; ${step})`, (block) =>
    loops(bind(context, [[outermost, i]], block), rest, fill, turns),
  )
}
