/**
 * The end of a contraction: what each invocation does with its sums. They are written one by one, or in a loop over an
 * array of them, because compile time on software adapters grows steeply with the number of memory accesses in the text.
 */

import type { Axis } from '../../ir/kernel.ts'
import { bind, type Context, inside, opaque, unflatten } from './context.ts'
import { columnText, rowText, type Tile, tileColumns, tileRows } from './contract.ts'
import { Places } from './places.ts'
import { elements } from './shader.ts'

/** One result, or a vector of neighbouring ones: where the axes are bound, and its place and sum as text. */
export interface TileElement {
  readonly context: Context
  readonly row: string
  readonly column: string
  readonly sum: string
}

export function writeTile(
  tile: Tile,
  sums: readonly (readonly string[])[],
  write: (element: TileElement) => void,
): void {
  const { schedule } = tile
  const columns = new Places(tile.context)
  // Columns first: what depends on them alone (a bias) is loaded once for all rows.
  for (let j = 0; j < schedule.columns; j++) {
    const own = sums.map((row) => row[j]!)
    onColumn(tile, columns, own, `${j}u`, (context, column) => {
      if (schedule.stores === 'text' || own.length === 1) {
        const rows = new Places(context)
        for (const [i, sum] of own.entries())
          onRow(tile, rows, [sum], `${i}u`, (inner, row) => write({ context: inner, row, column, sum }))
        return
      }
      const { shader, block } = context
      const array = shader.fresh('sums')
      const type = schedule.vector > 1 ? 'vec4f' : 'f32'
      block.line(`var ${array} = array<${type}, ${own.length}>(${own.join(', ')});`)
      const i = shader.fresh('i')
      block.nest(`for (var ${i} = 0u; ${i} < ${opaque(shader, `${schedule.rows}u`)}; ${i}++)`, (loop) =>
        onRow(tile, new Places(inside(context, loop)), [], i, (inner, row) => {
          const sum = shader.fresh('v')
          inner.block.line(`let ${sum} = ${array}[${i}];`)
          write({ context: inner, row, column, sum })
        }),
      )
    })
  }
}

type Fill = (inner: Context, flat: string) => void

function onRow(tile: Tile, places: Places, sums: readonly string[], i: string, fill: Fill): void {
  const { kernel, schedule } = tile
  places.print(rowText(tile, i), limitOf(tile, kernel.rows, tileRows(schedule)), sums, (inner, row) =>
    fill(bind(inner, unflatten(inner, kernel.rows, row)), row),
  )
}

function onColumn(tile: Tile, places: Places, sums: readonly string[], j: string, fill: Fill): void {
  const { kernel, schedule } = tile
  places.print(columnText(tile, j), limitOf(tile, kernel.columns, tileColumns(schedule)), sums, (inner, column) =>
    fill(bind(inner, unflatten(inner, kernel.columns, column)), column),
  )
}

/** Where the axes end, if a tile may reach beyond. */
function limitOf({ context }: Tile, axes: readonly Axis[], tile: number): string | undefined {
  const size = elements(axes)
  return size.constant !== undefined && size.constant % tile === 0 ? undefined : context.shader.size(size)
}
