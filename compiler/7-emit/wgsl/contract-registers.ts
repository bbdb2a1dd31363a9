/**
 * The sums of a tile with operands straight from storage. Every lane holds some columns and all rows of the tile. In
 * the plain form each lane reads the left operand for every row; in the subgroup form lane s reads rows s, s + S, …
 * and the others get them by broadcast, which replaces most loads by register moves.
 */
import type { Axis } from '../../ir/kernel.ts'
import { bind, type Context, loops, unflatten } from './context.ts'
import { columnText, rowText, type Tile, tileColumns, tileRows } from './contract.ts'
import { printNamed } from './print-scalar.ts'
import { elements } from './shader.ts'

/** Names of the finished sums, by row and column of the invocation. */
export function accumulateRegisters(tile: Tile): string[][] {
  const { kernel, schedule, context } = tile
  const { shader, block } = context
  const broadcast = schedule.by === 'subgroup'
  if (broadcast) shader.need('subgroups')
  const rowCount = broadcast ? Math.ceil(schedule.rows / schedule.subgroup) : schedule.rows
  const rows = Array.from({ length: rowCount }, (_, i) =>
    instance(
      tile,
      kernel.rows,
      broadcast ? `${tile.row} + ${shader.builtin('sublane')} + ${i * schedule.subgroup}u` : rowText(tile, `${i}u`),
      tileRows(schedule),
    ),
  )
  const columns = Array.from({ length: schedule.columns }, (_, j) =>
    instance(tile, kernel.columns, columnText(tile, `${j}u`), tileColumns(schedule)),
  )
  const sums = Array.from({ length: schedule.rows }, () =>
    Array.from({ length: schedule.columns }, () => shader.fresh('c')),
  )
  for (const name of sums.flat()) block.line(`var ${name} = 0.0f;`)
  depthLoops(tile, (inner) => {
    const depth = inner.binders.slice(context.binders.length)
    const at = (place: Context): Context => ({ ...inner, binders: [...place.binders, ...depth] })
    const right = columns.map((place) => printNamed(at(place), kernel.right))
    const left = rows.map((place) => printNamed(at(place), kernel.left))
    sums.forEach((row, i) => {
      let value = left[i]!
      if (broadcast) {
        value = shader.fresh('v')
        inner.block.line(
          `let ${value} = subgroupBroadcast(${left[Math.floor(i / schedule.subgroup)]}, ${i % schedule.subgroup}u);`,
        )
      }
      for (const [j, sum] of row.entries()) inner.block.line(`${sum} = fma(${value}, ${right[j]}, ${sum});`)
    })
  })
  return sums
}

/** The context of one row or column: past the end it is the last one again, whose sum is then not stored. */
function instance(tile: Tile, axes: readonly Axis[], flat: string, step: number): Context {
  const { context } = tile
  const { shader, block } = context
  const size = elements(axes)
  const name = shader.fresh('i')
  const fits = size.constant !== undefined && size.constant % step === 0
  const last = size.constant === undefined ? `${shader.size(size)} - 1u` : `${Math.max(0, size.constant - 1)}u`
  block.line(`let ${name} = ${fits ? flat : `min(${flat}, ${last})`};`)
  return bind(context, unflatten(context, axes, name))
}

/** Loops over the depth axes; the outermost runs over this workgroup's part of it. */
export function depthLoops(tile: Tile, fill: (inner: Context) => void): void {
  const { context, kernel, part } = tile
  const [outermost, ...rest] = kernel.depth
  if (!part || !outermost) {
    loops(context, kernel.depth, fill)
    return
  }
  const i = context.shader.fresh('i')
  context.block.nest(`for (var ${i} = ${part.first}; ${i} < ${part.end}; ${i}++)`, (block) =>
    loops(bind(context, [[outermost, i]], block), rest, fill),
  )
}
