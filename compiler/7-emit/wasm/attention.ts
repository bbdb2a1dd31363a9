/**
 * Attention kernels: `accumulator[outer, columns] = Σ_row weight · value`, with a score each weight times the exponential
 * of the score over a running maximum (online softmax). A group has one outer index; the row is walked in blocks whose
 * weights, and the sums of the columns, stay in work space. Nothing of size outer × row is ever in memory.
 */
import { ceilQuotient, dim, multiply } from '../../ir/dim.ts'
import type { AttentionKernel, Axis, Scalar } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { accumulator } from '../wgsl/identity.ts'
import type { Block } from './block.ts'
import { type Expression, float, floats, get, Local, number, size, workspace } from './code.ts'
import { bind, type Context, elements, flatSize, inside, named, rootContext, unflatten } from './context.ts'
import { leftBlock, sumBlock } from './contract-schedule.ts'
import { alongFlat, type Fill } from './flat.ts'
import { KernelFunction } from './function.ts'
import { functionWriters } from './functions.ts'
import { call, extract, loadFloat, loadSplat, loadVector, op, plus, splat, storeItems, times } from './instructions.ts'
import { laneQuality } from './lane-choice.ts'
import { least } from './map.ts'
import { printScalar, printVector } from './print-scalar.ts'
import { countStores, writeStores } from './stores.ts'

/** Elements of the row whose weights are held at once. */
const rowBlock = 64
/** Columns that one group sums. */
const mostColumns = 4096
/** Stands for minus infinity, as differences of it must be numbers. */
const lowest = -3.4028234663852886e38

export function emitAttention(kernel: AttentionKernel): EmittedKernel {
  const fn = new KernelFunction(kernel.slots)
  for (const scalar of [kernel.score, kernel.weight, kernel.value]) if (scalar) fn.identities.count(scalar)
  countStores(fn, kernel.stores)
  countStores(fn, kernel.results)
  const part: Axis = { name: 'p', extent: ceilQuotient(elements(kernel.columns), dim(mostColumns)) }
  const parts = part.extent.constant === 0 ? dim(1) : part.extent
  fn.forEachGroup((block, group) => {
    const root = inside(rootContext(fn), block)
    const context = bind(root, unflatten(root, [...kernel.outer, { ...part, extent: parts }], get(group)))
    const piece = parts.constant === 1 ? number(0) : named(root, op('i32.rem_u', get(group), size(parts)))
    const begin = named(context, times(piece, number(mostColumns)))
    const end = named(context, least(plus(begin, number(mostColumns)), flatSize(kernel.columns)))
    const columns: Columns = { kernel, begin, end, base: named(context, plus(workspace, number(sumBlock))) }
    const after = sumRow(context, columns)
    eachColumn(after, columns, true, (at, address) => {
      const sum = named(at, at.lanes ? loadVector(address) : loadFloat(address))
      writeStores(bind(at, [[accumulator, sum]]), kernel.stores)
    })
    if (kernel.results.length === 0) return
    block.if(op('i32.eqz', piece), (inner) => writeStores(bind(inside(after, inner), []), kernel.results))
  })
  return { stages: [fn.finish(kernel.name, multiply(elements(kernel.outer), parts))], scratch: [] }
}

/** The columns of one group, whose sums lie in work space. */
interface Columns {
  readonly kernel: AttentionKernel
  readonly begin: Expression
  readonly end: Expression
  readonly base: Expression
}

function eachColumn(context: Context, columns: Columns, lanes: boolean, fill: Fill): void {
  const { kernel, begin, end, base } = columns
  alongFlat(context, kernel.columns, begin, end, lanes, (at, c) =>
    fill(at, named(at, plus(base, times(op('i32.sub', c, begin), number(4))))),
  )
}

/** Walks the row. The context returned knows the score's maximum and sum as stages 0 and 1. */
function sumRow(context: Context, columns: Columns): Context {
  const { kernel } = columns
  const { block, fn } = context
  const [most, total, j] = [new Local('f32'), new Local('f32'), new Local('i32')]
  block.set(most, float(lowest))
  block.set(total, float(0))
  forSums(context, columns, (inner, at) => inner.add(storeItems(at, floats(0))))
  const buffer = named(context, plus(workspace, number(leftBlock)))
  const length = flatSize(kernel.row)
  block.set(j, number(0))
  block.loop(j, length, number(rowBlock), (inner) => {
    const here = inside(context, inner)
    const end = named(here, least(plus(get(j), number(rowBlock)), length))
    /** Runs `fill` for the block's elements with the place of each one's weight. */
    const each = (scalar: Scalar, fill: Fill) => {
      const last = kernel.row.findLast((a) => a.extent.constant !== 1)
      const lanes = last !== undefined && laneQuality(fn, [scalar], last) > 0
      alongFlat(here, kernel.row, get(j), end, lanes, (at, r) =>
        fill(at, named(at, plus(buffer, times(op('i32.sub', r, get(j)), number(4))))),
      )
    }
    if (kernel.score) {
      // What lies behind the last score must not count.
      for (let i = 0; i < rowBlock; i += 4) inner.add(storeItems(buffer, floats(Number.NEGATIVE_INFINITY), 4 * i))
      each(kernel.score, (at, address) => store(at, address, kernel.score!))
      exponentials(here, columns, buffer, most, total)
    }
    const plain = kernel.score && kernel.weight.kind === 'number' && kernel.weight.value === 1
    if (!plain)
      each(kernel.weight, (at, address) => {
        const weight = at.lanes ? printVector(at, kernel.weight) : printScalar(at, kernel.weight)
        if (!kernel.score) return at.block.add(storeItems(address, weight))
        const old = at.lanes ? loadVector(address) : loadFloat(address)
        at.block.add(storeItems(address, op(at.lanes ? 'f32x4.mul' : 'f32.mul', old, weight)))
      })
    addValues(here, columns, buffer, get(j), end)
  })
  if (!kernel.score) return context
  return bind(context, [
    [0, get(most)],
    [1, get(total)],
  ])
}

function store(at: Context, address: Expression, scalar: Scalar): void {
  at.block.add(storeItems(address, at.lanes ? printVector(at, scalar) : printScalar(at, scalar)))
}

/** The block's scores become exponentials over the new maximum; what was summed so far is scaled down to it. */
function exponentials(context: Context, columns: Columns, buffer: Expression, most: Local, total: Local): void {
  const { block } = context
  const [four, next, i] = [new Local('v128'), new Local('f32'), new Local('i32')]
  block.set(four, floats(lowest))
  const overBlock = (fill: (inner: Block, address: Expression) => void) => {
    block.set(i, number(0))
    block.loop(i, number(4 * rowBlock), number(16), (inner) =>
      fill(inner, named(inside(context, inner), plus(buffer, get(i)))),
    )
  }
  overBlock((inner, address) => inner.set(four, op('f32x4.max', get(four), loadVector(address))))
  const lanes = [0, 1, 2, 3].map((lane) => extract(get(four), 'f32', lane))
  block.set(
    next,
    lanes.reduce((a, b) => op('f32.max', a, b), get(most)),
  )
  const factor = named(context, functionWriters.exp.one([op('f32.sub', get(most), get(next))], ['float'], block))
  block.if(op('f32.ne', get(most), get(next)), (inner) => {
    const factors = named(inside(context, inner), splat(factor))
    forSums(inside(context, inner), columns, (sums, at) =>
      sums.add(storeItems(at, op('f32x4.mul', loadVector(at), factors))),
    )
  })
  block.set(most, get(next))
  block.set(four, floats(0))
  const base = named(context, splat(get(most)))
  overBlock((inner, address) => {
    const power = named(inside(context, inner), call('exp', 'v128', op('f32x4.sub', loadVector(address), base)))
    inner.set(four, op('f32x4.add', get(four), power))
    inner.add(storeItems(address, power))
  })
  const sum = [0, 1, 2, 3].map((lane) => extract(get(four), 'f32', lane)).reduce((a, b) => op('f32.add', a, b))
  block.set(total, op('f32.add', op('f32.mul', get(total), factor), sum))
}

/** `sum[column] += weight · value` for each element of the block. */
function addValues(context: Context, columns: Columns, buffer: Expression, begin: Expression, end: Expression): void {
  const { kernel } = columns
  const last = kernel.columns.findLast((a) => a.extent.constant !== 1)
  const lanes = last !== undefined && laneQuality(context.fn, [kernel.value], last) > 0
  alongFlat(context, kernel.row, begin, end, false, (row, r) => {
    const from = named(row, plus(buffer, times(op('i32.sub', r, begin), number(4))))
    const [one, four] = [named(row, loadFloat(from)), named(row, loadSplat(from))]
    eachColumn(row, columns, lanes, (at, address) => {
      const value = at.lanes ? printVector(at, kernel.value) : printScalar(at, kernel.value)
      const term = at.lanes ? op('f32x4.mul', four, value) : op('f32.mul', one, value)
      const old = at.lanes ? loadVector(address) : loadFloat(address)
      at.block.add(storeItems(address, op(at.lanes ? 'f32x4.add' : 'f32.add', old, term)))
    })
  })
}

/** All sums of the columns, four at a time; what lies behind the last is nobody's. */
function forSums(context: Context, { begin, end, base }: Columns, fill: (inner: Block, at: Expression) => void): void {
  const [at, stop] = [new Local('i32'), new Local('i32')]
  context.block.set(at, base)
  context.block.set(stop, plus(base, times(op('i32.sub', end, begin), number(4))))
  context.block.loop(at, get(stop), number(16), (inner) => fill(inner, get(at)))
}
