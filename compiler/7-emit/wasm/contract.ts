/**
 * Contractions: `out[batch, rows, columns] = Σ_depth left · right`. A group computes one tile of the output: for each
 * block of the depth both operands are packed (which is where a convolution's index expressions, guards and fused loads
 * are worked off), then the inner kernel sums; at the end the tile is stored with whatever was fused behind it.
 */
import { ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import { addIndex, axisIndex, flattenIndex, scaleIndex } from '../../ir/index.ts'
import type { Axis, ContractKernel, Scalar } from '../../ir/kernel.ts'
import type { EmittedKernel, EmittedStage } from '../../lowered.ts'
import type { Sizes } from '../wgsl/default-schedule.ts'
import { accumulator } from '../wgsl/identity.ts'
import { type Expression, floats, get, Local, number, size, workspace } from './code.ts'
import { bind, type Context, divisor, elements, flatSize, inside, named, rootContext, unflatten } from './context.ts'
import {
  type ContractSchedule,
  contractSchedule,
  leftBlock,
  pitches,
  rightBlock,
  sumBlock,
} from './contract-schedule.ts'
import { alongFlat } from './flat.ts'
import { KernelFunction } from './function.ts'
import { callItems, loadFloat, loadVector, op, plus, storeItems, times } from './instructions.ts'
import { forEachElement, least } from './map.ts'
import { microColumns, microRows } from './micro.ts'
import { orient } from './orient.ts'
import { pack, type Run } from './pack.ts'
import { printScalar, printVector } from './print-scalar.ts'
import { emitRow } from './row.ts'
import { countStores, writeStores } from './stores.ts'

export function emitContract(fused: ContractKernel, sizes: Sizes): EmittedKernel {
  const kernel = orient(fused, sizes)
  const few = (axes: readonly Axis[]) => (elements(axes).constant ?? Number.POSITIVE_INFINITY) < 4
  if (few(kernel.rows) || few(kernel.columns) || kernel.depth.length === 0) return emitRow(asRow(kernel))
  const schedule = contractSchedule(kernel, sizes)
  const main = productStage(kernel, schedule)
  if (schedule.split === 1) return { stages: [main], scratch: [] }
  const results = elements([...kernel.batch, ...kernel.rows, ...kernel.columns])
  return {
    stages: [main, sumStage(kernel, schedule)],
    scratch: [{ elements: multiply(dim(schedule.split), results), storage: 'f32' }],
  }
}

/** A few rows or columns reuse nothing that packing could save: each result is a sum over its own row of products. */
const asRow = (kernel: ContractKernel) => ({
  ...kernel,
  kind: 'row' as const,
  outer: [...kernel.batch, ...kernel.rows, ...kernel.columns],
  row: kernel.depth,
  stages: [
    {
      combine: 'sum' as const,
      value: {
        kind: 'apply' as const,
        fn: 'mul' as const,
        arguments: [kernel.left, kernel.right],
        dtype: 'float' as const,
      },
      dtype: 'float' as const,
    },
  ],
  stores: [],
  results: kernel.stores,
})

/** One tile, while it is printed. */
interface Tile {
  readonly kernel: ContractKernel
  readonly schedule: ContractSchedule
  /** Where the batch axes are bound. */
  readonly context: Context
  /** The number of rows of tiles and batches before it: equal for tiles that share their packed left operand. */
  readonly band: Expression
  readonly rows: Run
  readonly columns: Run
  readonly depth: Run
}

function productStage(kernel: ContractKernel, schedule: ContractSchedule): EmittedStage {
  const fn = new KernelFunction(kernel.slots)
  fn.identities.count(kernel.left)
  fn.identities.count(kernel.right)
  if (schedule.split === 1) countStores(fn, kernel.stores)
  const tiles = (axes: readonly Axis[], by: number) => ceilQuotient(elements(axes), dim(by))
  const [rowTiles, columnTiles] = [tiles(kernel.rows, schedule.rows), tiles(kernel.columns, schedule.columns)]
  const batches = elements(kernel.batch)
  const packed = new Local('i32')
  fn.body.set(packed, number(-1))
  fn.forEachGroup((block, group) => {
    const root = inside(rootContext(fn), block)
    const split = (flat: Expression, by: Dim): [Expression, Expression] => {
      if (by === one) return [flat, number(0)]
      const quotient = named(root, op('i32.div_u', flat, divisor(by)))
      return [quotient, named(root, op('i32.sub', flat, op('i32.mul', quotient, divisor(by))))]
    }
    const [band, column] = split(get(group), columnTiles)
    const [rest, row] = split(band, rowTiles)
    const [part, batch] = schedule.split === 1 ? [number(0), rest] : split(rest, batches)
    const run = (axes: readonly Axis[], tile: Expression, length: Expression): Run => {
      const begin = named(root, times(tile, length))
      return { axes, begin, end: named(root, least(plus(begin, length), flatSize(axes))) }
    }
    const tile: Tile = {
      kernel,
      schedule,
      context: bind(root, unflatten(root, kernel.batch, batch)),
      band,
      rows: run(kernel.rows, row, number(schedule.rows)),
      columns: run(kernel.columns, column, number(schedule.columns)),
      depth: run(kernel.depth, part, size(ceilQuotient(elements(kernel.depth), dim(schedule.split)))),
    }
    clearSums(tile)
    sumBlocks(tile, packed)
    forEachSum(tile, (at, rowPlace, columnPlace) => {
      if (schedule.split === 1) return writeStores(at, kernel.stores)
      const cell = plus(
        times(plus(times(rest, flatSize(kernel.rows)), rowPlace), flatSize(kernel.columns)),
        columnPlace,
      )
      const address = plus(get(fn.scratch(0, 'write')), times(cell, number(4)))
      at.block.add(storeItems(address, at.sum))
    })
  })
  return fn.finish(kernel.name, multiply(columnTiles, rowTiles, batches, dim(schedule.split)))
}

function clearSums({ context, rows }: Tile): void {
  const [at, end] = [new Local('i32'), new Local('i32')]
  const { block } = context
  block.set(at, plus(workspace, number(sumBlock)))
  const count = plus(op('i32.sub', rows.end, rows.begin), number(microRows - 1))
  block.set(end, op('i32.add', get(at), times(count, number(pitches.sums))))
  block.loop(at, get(end), number(64), (inner) => {
    for (let i = 0; i < 64; i += 16) inner.add(storeItems(get(at), floats(0), i))
  })
}

/** Packs block after block of the depth and adds up its products. */
function sumBlocks(tile: Tile, packed: Local): void {
  const { kernel, schedule, context, rows, columns, depth } = tile
  const k = new Local('i32')
  context.block.set(k, depth.begin)
  context.block.loop(k, depth.end, number(schedule.depth), (block) => {
    const here = inside(context, block)
    const end = named(here, least(plus(get(k), number(schedule.depth)), depth.end))
    const run: Run = { axes: kernel.depth, begin: get(k), end }
    // The left block of the tile before will do, where it is of the same rows and the depth is one block.
    const whole = op('i32.le_u', op('i32.sub', depth.end, depth.begin), number(schedule.depth))
    const same = op('i32.and', op('i32.eq', get(packed), tile.band), whole)
    block.if(op('i32.eqz', same), (inner) => {
      const at = inside(here, inner)
      const base = named(at, plus(workspace, number(leftBlock)))
      pack(at, { operand: kernel.left, outer: rows, inner: run, base, pitch: pitches.left })
      inner.set(packed, tile.band)
    })
    const base = named(here, plus(workspace, number(rightBlock)))
    pack(here, { operand: kernel.right, outer: run, inner: columns, base, pitch: pitches.right })
    multiplyBlock(here, tile, named(here, op('i32.sub', end, get(k))))
  })
}

/** Every block of 4 rows and 8 columns of the tile. */
function multiplyBlock(context: Context, { rows, columns }: Tile, depth: Expression): void {
  const { block } = context
  const [j, i] = [new Local('i32'), new Local('i32')]
  const width = named(context, op('i32.sub', columns.end, columns.begin))
  const height = named(context, op('i32.sub', rows.end, rows.begin))
  block.set(j, number(0))
  block.loop(j, width, number(microColumns), (column) => {
    const here = inside(context, column)
    const right = named(here, plus(plus(workspace, number(rightBlock)), times(get(j), number(4))))
    const sums = named(here, plus(plus(workspace, number(sumBlock)), times(get(j), number(4))))
    column.set(i, number(0))
    column.loop(i, height, number(microRows), (row) => {
      const at = inside(here, row)
      const left = named(at, plus(plus(workspace, number(leftBlock)), times(get(i), number(pitches.left))))
      const to = named(at, plus(sums, times(get(i), number(pitches.sums))))
      row.add(callItems('micro', left, right, to, depth))
    })
  })
}

/** Every finished sum of the tile, as the accumulator, with the axes of rows and columns bound. */
function forEachSum(
  { kernel, context, rows, columns }: Tile,
  fill: (at: Context & { readonly sum: Expression }, row: Expression, column: Expression) => void,
): void {
  alongFlat(context, kernel.rows, rows.begin, rows.end, false, (row, r) => {
    const offset = times(op('i32.sub', r, rows.begin), number(pitches.sums))
    const from = named(row, plus(plus(workspace, number(sumBlock)), offset))
    alongFlat(row, kernel.columns, columns.begin, columns.end, true, (at, c) => {
      const address = plus(from, times(op('i32.sub', c, columns.begin), number(4)))
      const sum = named(at, at.lanes ? loadVector(address) : loadFloat(address))
      fill({ ...bind(at, [[accumulator, sum]]), sum }, r, c)
    })
  })
}

/** The parts of a split depth added up, and the stores. */
function sumStage(kernel: ContractKernel, schedule: ContractSchedule): EmittedStage {
  const fn = new KernelFunction(kernel.slots, 'read')
  countStores(fn, kernel.stores)
  const axes = [...kernel.batch, ...kernel.rows, ...kernel.columns]
  const flat = flattenIndex(
    axes.map(axisIndex),
    axes.map((a) => a.extent),
  )
  const part: Axis = { name: 'p', extent: dim(schedule.split) }
  const index = addIndex(scaleIndex(axisIndex(part), elements(axes)), flat)
  const load: Scalar = { kind: 'load', slot: kernel.slots.length, index, dtype: 'float' }
  const sum: Scalar = { kind: 'reduce', combine: 'sum', axes: [part], value: load, dtype: 'float' }
  const groups = forEachElement(fn, axes, kernel.stores, (context) => {
    const value = named(context, context.lanes ? printVector(context, sum) : printScalar(context, sum))
    writeStores(bind(context, [[accumulator, value]]), kernel.stores)
  })
  return fn.finish(`${kernel.name}.sum`, groups)
}
