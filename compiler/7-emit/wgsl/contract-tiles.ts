/**
 * The workgroups of a contraction: each has one tile of the output and, where the depth is cut in parts, one part of it.
 * From a workgroup's number its tile: the first row and column, the batch, the range of the outermost depth axis.
 */
import { ceilQuotient, type Dim, dim, exactQuotient, multiply } from '../../ir/dim.ts'
import type { ContractKernel } from '../../ir/kernel.ts'
import { bind, type Context, groupNumber, inside, unflatten } from './context.ts'
import { elements } from './shader.ts'
import { innermost } from './vector.ts'

export interface TileShape {
  /** Rows and columns of a tile. */
  readonly rows: number
  readonly columns: number
  /** Parts of the depth. */
  readonly split: number
  /** A part begins at a multiple of this along the innermost depth axis. */
  readonly turn: number
}

/** Text of type u32, but for the context, where the batch axes are bound. */
export interface TilePlace {
  readonly context: Context
  /** The first row and column of the tile, as flat indices. */
  readonly row: string
  readonly column: string
  /** The flat index of the batch, and the number of the tile along the rows. */
  readonly batch: string
  readonly rowTile: string
  /** The part of the outermost depth axis that this workgroup sums: its first index and its end. */
  readonly part: { readonly first: string; readonly end: string } | undefined
  /** The place of a result in the scratch tensor of the parts, by its flat row and column. */
  readonly cell: (row: string, column: string) => string
}

/** Prints what a workgroup does for its tile, and returns how many workgroups there are. */
export function onTiles(
  root: Context,
  kernel: ContractKernel,
  shape: TileShape,
  fill: (place: TilePlace) => void,
): Dim {
  const { shader } = root
  const columnTiles = ceilQuotient(elements(kernel.columns), dim(shape.columns))
  const tilesAlong = ceilQuotient(elements(kernel.rows), dim(shape.rows))
  const batches = elements(kernel.batch)
  const groups = multiply(columnTiles, tilesAlong, batches, dim(shape.split))
  const group = groupNumber(root)
  shader.body.nest(`if (${group} < ${shader.size(groups)})`, (block) => {
    const here = inside(root, block)
    // Neighbouring workgroups share the larger of the two operands' parts.
    const rowsFirst = shape.rows < shape.columns
    const counts: Dim[] = rowsFirst ? [tilesAlong, columnTiles, batches] : [columnTiles, tilesAlong, batches]
    const [fast, slow, batch, part] = places(here, group, counts)
    const [rowTile, columnTile] = rowsFirst ? [fast, slow] : [slow, fast]
    const row = shader.fresh('row')
    block.line(`let ${row} = ${times(rowTile!, shape.rows)};`)
    const column = shader.fresh('column')
    block.line(`let ${column} = ${times(columnTile!, shape.columns)};`)
    const context = bind(here, unflatten(here, kernel.batch, batch!))
    fill({
      context,
      row,
      column,
      batch: batch!,
      rowTile: rowTile!,
      part: shape.split === 1 ? undefined : partOf(context, kernel, shape, part!),
      cell(r, c) {
        const R = shader.size(elements(kernel.rows))
        const C = shader.size(elements(kernel.columns))
        return `((${part} * ${shader.size(batches)} + ${batch}) * ${R} + ${r}) * ${C} + ${c}`
      },
    })
  })
  return groups
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

/** Indices of the outermost depth axis in a part; the last part may have fewer. */
export function partExtent(kernel: ContractKernel, { split, turn }: Pick<TileShape, 'split' | 'turn'>): Dim {
  // A part begins where a turn of the loop does.
  const step = dim(innermost(kernel.depth) === kernel.depth[0] ? turn : 1)
  return multiply(ceilQuotient(exactQuotient(kernel.depth[0]!.extent, step)!, dim(split)), step)
}

function partOf(
  context: Context,
  kernel: ContractKernel,
  shape: TileShape,
  part: string,
): { first: string; end: string } {
  const { shader, block } = context
  const share = shader.size(partExtent(kernel, shape))
  const first = shader.fresh('b')
  block.line(`let ${first} = ${part} * ${share};`)
  const end = shader.fresh('b')
  block.line(`let ${end} = min(${first} + ${share}, ${shader.size(kernel.depth[0]!.extent)});`)
  return { first, end }
}
