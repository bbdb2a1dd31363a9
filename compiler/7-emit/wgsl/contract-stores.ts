/**
 * The end of a contraction: what each invocation does with its sums. Few results are written one by one; many in a loop
 * over a register array, because compile time on software adapters grows steeply with the number of memory accesses in
 * the text.
 */
import { bind, type Context, inside, unflatten } from './context.ts'
import { columnText, rowText, type Tile, tileColumns, tileRows } from './contract.ts'
import { countLoads } from './default-schedule.ts'
import { accumulator } from './identity.ts'
import { elements } from './shader.ts'

/** One result: where the axes and the accumulator are bound, and its place as text. */
export interface TileElement {
  readonly context: Context
  readonly row: string
  readonly column: string
  readonly sum: string
}

/** Above this many accesses the stores become a loop. */
const mostAccesses = 24

export function writeTile(
  tile: Tile,
  sums: readonly (readonly string[])[],
  write: (element: TileElement) => void,
): void {
  const { kernel, schedule } = tile
  const accesses = kernel.stores.reduce((n, s) => n + 1 + countLoads(s.value), 0)
  if (sums.flat().length * accesses <= mostAccesses) {
    for (const [i, row] of sums.entries())
      onRow(tile, tile.context, `${i}u`, (context, r) => {
        for (const [j, sum] of row.entries())
          onColumn(tile, context, `${j}u`, (inner, c) => write(element(inner, r, c, sum)))
      })
    return
  }
  const { shader, block } = tile.context
  const array = shader.fresh('sums')
  block.line(`var ${array} = array<f32, ${sums.flat().length}>(${sums.flat().join(', ')});`)
  const i = shader.fresh('i')
  block.nest(`for (var ${i} = 0u; ${i} < ${schedule.rows}u; ${i}++)`, (rowBlock) =>
    onRow(tile, inside(tile.context, rowBlock), i, (context, r) => {
      const j = shader.fresh('i')
      context.block.nest(`for (var ${j} = 0u; ${j} < ${schedule.columns}u; ${j}++)`, (columnBlock) =>
        onColumn(tile, inside(context, columnBlock), j, (inner, c) => {
          const sum = shader.fresh('v')
          inner.block.line(`let ${sum} = ${array}[${i} * ${schedule.columns}u + ${j}];`)
          write(element(inner, r, c, sum))
        }),
      )
    }),
  )
}

const element = (context: Context, row: string, column: string, sum: string): TileElement => ({
  context: bind(context, [[accumulator, sum]]),
  row,
  column,
  sum,
})

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
