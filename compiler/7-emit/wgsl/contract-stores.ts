/**
 * The end of a contraction: what each invocation does with its sums. They are written one by one, or in a loop over an
 * array of them, because compile time on software adapters grows steeply with the number of memory accesses in the text.
 */
import { bind, type Context, inside, opaque, unflatten } from './context.ts'
import { columnText, rowText, type Tile, tileColumns, tileRows } from './contract.ts'
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
  // Columns first: what depends on them alone (a bias) is loaded once for all rows.
  for (let j = 0; j < schedule.columns; j++)
    onColumn(tile, tile.context, `${j}u`, (context, column) => {
      const own = sums.map((row) => row[j]!)
      if (schedule.stores === 'text' || own.length === 1) {
        for (const [i, sum] of own.entries())
          onRow(tile, context, `${i}u`, (inner, row) => write({ context: inner, row, column, sum }))
        return
      }
      const { shader, block } = context
      const array = shader.fresh('sums')
      const type = schedule.vector > 1 ? 'vec4f' : 'f32'
      block.line(`var ${array} = array<${type}, ${own.length}>(${own.join(', ')});`)
      const i = shader.fresh('i')
      block.nest(`for (var ${i} = 0u; ${i} < ${opaque(shader, `${schedule.rows}u`)}; ${i}++)`, (loop) =>
        onRow(tile, inside(context, loop), i, (inner, row) => {
          const sum = shader.fresh('v')
          inner.block.line(`let ${sum} = ${array}[${i}];`)
          write({ context: inner, row, column, sum })
        }),
      )
    })
}

function onRow(tile: Tile, context: Context, i: string, fill: (inner: Context, row: string) => void): void {
  const size = elements(tile.kernel.rows)
  const fits = size.constant !== undefined && size.constant % tileRows(tile.schedule) === 0
  within(context, rowText(tile, i), fits ? undefined : context.shader.size(size), (inner, row) =>
    fill(bind(inner, unflatten(inner, tile.kernel.rows, row)), row),
  )
}

function onColumn(tile: Tile, context: Context, j: string, fill: (inner: Context, column: string) => void): void {
  const size = elements(tile.kernel.columns)
  const fits = size.constant !== undefined && size.constant % tileColumns(tile.schedule) === 0
  within(context, columnText(tile, j), fits ? undefined : context.shader.size(size), (inner, column) =>
    fill(bind(inner, unflatten(inner, tile.kernel.columns, column)), column),
  )
}

/** A block in which `flat` has a name and is below `limit`, where one is given. */
function within(
  context: Context,
  flat: string,
  limit: string | undefined,
  fill: (inner: Context, name: string) => void,
): void {
  const name = context.shader.fresh('i')
  context.block.line(`let ${name} = ${flat};`)
  context.block.nest(limit === undefined ? '' : `if (${name} < ${limit})`, (inner) =>
    fill(inside(context, inner), name),
  )
}
