/**
 * Row kernels: for each outer index, reductions over a row one after another, then stores for its elements and results.
 * Four lanes share a row where its elements lie side by side, and are combined at the end; where those of neighbouring
 * rows do, each lane has a row of its own.
 */
import { ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import type { RowKernel, Store } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { accumulator } from '../wgsl/identity.ts'
import { levelsOf, stagesIn } from '../wgsl/reduction.ts'
import { type Expression, get, integerLanes, number, size } from './code.ts'
import { type Accumulator, accumulate, combineLanes, declareAccumulator, finished, isArg } from './combine.ts'
import {
  bind,
  boundValue,
  type Context,
  divisor,
  elements,
  inside,
  loops,
  named,
  rootContext,
  unflatten,
} from './context.ts'
import { KernelFunction } from './function.ts'
import { op, plus, times } from './instructions.ts'
import { laneQuality } from './lane-choice.ts'
import { least } from './map.ts'
import { printScalar, printVector } from './print-scalar.ts'
import { alongLanes } from './reduce.ts'
import { countStores, writeStores } from './stores.ts'

/** Rows that one group computes where each lane has its own. */
const chunk = 64

export function emitRow(kernel: RowKernel): EmittedKernel {
  const fn = new KernelFunction(kernel.slots)
  countRow(fn, kernel)
  const by = rowLanes(fn, kernel)
  const groups = by === 'outer' ? byOuter(fn, kernel) : byRow(fn, kernel, by)
  return { stages: [fn.finish(kernel.name, groups)], scratch: [] }
}

function countRow(fn: KernelFunction, kernel: RowKernel): void {
  for (const { value } of kernel.stages) fn.identities.count(value)
  countStores(fn, kernel.stores)
  countStores(fn, kernel.results)
}

/** Whether the four lanes share a row, or have one each. */
type Lanes = 'row' | 'outer' | 'none'
function rowLanes(fn: KernelFunction, kernel: RowKernel): Lanes {
  const values = kernel.stages.map(({ value }) => value)
  const [outer, row] = [kernel.outer.at(-1), kernel.row.at(-1)]
  const across = outer ? laneQuality(fn, values, outer, [...kernel.stores, ...kernel.results]) : 0
  const along = row ? laneQuality(fn, values, row, kernel.stores) : 0
  if (across === 0 && along === 0) return 'none'
  return across > along ? 'outer' : 'row'
}

/** One row after another; the lanes share each. */
function byRow(fn: KernelFunction, kernel: RowKernel, by: Lanes): Dim {
  fn.forEachGroup((block, group) => {
    const root = inside(rootContext(fn), block)
    fillRow(bind(root, unflatten(root, kernel.outer, get(group))), kernel, by)
  })
  return elements(kernel.outer)
}

/** Four rows at a time, then those that four do not divide. */
function byOuter(fn: KernelFunction, kernel: RowKernel): Dim {
  const along = kernel.outer.at(-1)!
  const others = kernel.outer.slice(0, -1)
  const chunks = ceilQuotient(along.extent, dim(chunk))
  fn.forEachGroup((block, group) => {
    const root = inside(rootContext(fn), block)
    const row = chunks === one ? get(group) : named(root, op('i32.div_u', get(group), divisor(chunks)))
    const context = bind(root, unflatten(root, others, row))
    const begin = named(context, times(op('i32.sub', get(group), times(row, size(chunks))), number(chunk)))
    const end = named(context, least(plus(begin, number(chunk)), size(along.extent)))
    const fill = (inner: Context) => fillRow(inner, kernel, 'outer')
    alongLanes(context, along, chunks === one ? number(0) : begin, end, fill, fill)
  })
  return multiply(elements(others), chunks)
}

/**
 * All of a row, or of four where the context has lanes. A store takes part in the first pass that knows what it needs: the
 * exponentials of a softmax are stored while they are summed, not computed twice.
 */
function fillRow(outer: Context, kernel: RowKernel, by: Lanes): void {
  let context = outer
  let stores = kernel.stores
  const known = new Set<number>()
  for (const level of levelsOf(kernel.stages)) {
    const ready = stores.filter((store) => isReady(kernel, store, known))
    stores = stores.filter((store) => !ready.includes(store))
    const done = reduceLevel(context, kernel, by, level, ready)
    context = withStages(context, kernel, level, done)
    for (const stage of level) known.add(stage)
  }
  if (stores.length > 0) forEachOfRow(context, kernel, by, (inner) => writeStores(inner, stores))
  writeStores(context, kernel.results)
}

/** Whether a store of the row's elements needs no other stage. What is updated in place may be read by a later pass. */
const isReady = ({ slots }: RowKernel, { slot, index, value }: Store, known: ReadonlySet<number>): boolean =>
  slots[slot]!.access === 'write' && [...stagesIn(value), ...stagesIn(index)].every((stage) => known.has(stage))

/** The context in which some stages have these values. */
function withStages(
  context: Context,
  kernel: RowKernel,
  level: readonly number[],
  values: readonly Expression[],
): Context {
  for (const stage of level) context.fn.vectorTypes.set(stage, kernel.stages[stage]!.dtype === 'float' ? 'f32' : 'i32')
  const known = level.map((stage, at) => [stage, named(context, values[at]!)] as const)
  // Of a contraction that runs as rows the one stage is the sum.
  return bind(context, [...known, ...(level[0] === 0 ? [[accumulator, known[0]![1]] as const] : [])])
}

/** The values of stages that one pass over the row gives, which writes some of its stores too. */
function reduceLevel(
  context: Context,
  kernel: RowKernel,
  by: Lanes,
  level: readonly number[],
  stores: readonly Store[],
): Expression[] {
  return reduced(context, kernel, by, level, stores).map(finished)
}

function reduced(
  context: Context,
  kernel: RowKernel,
  by: Lanes,
  level: readonly number[],
  stores: readonly Store[],
): Accumulator[] {
  const { block } = context
  const stages = level.map((i) => kernel.stages[i]!)
  const declare = (four: boolean) =>
    stages.map(({ combine, value }) => declareAccumulator(block, combine, value.dtype, four))
  const counts = stages.some(({ combine }) => isArg(combine))
  const take = (into: readonly Accumulator[], four: boolean) => (inner: Context) => {
    const position = counts ? positionOf(inner, kernel) : number(0)
    stages.forEach(({ value }, i) => {
      const element = four ? printVector(inner, value) : printScalar(inner, value)
      accumulate(inner.block, into[i]!, element, four ? lanePosition(inner, kernel, position) : position)
    })
    writeStores(inner, stores)
  }
  if (context.lanes) {
    const own = declare(true)
    eachOfRow(context, kernel, take(own, true))
    return own
  }
  const rest = declare(false)
  if (by !== 'row') {
    eachOfRow(context, kernel, take(rest, false))
    return rest
  }
  const lanes = declare(true)
  eachOfRow(context, kernel, take(lanes, true), take(rest, false))
  return lanes.map((four, i) => {
    const whole = combineLanes(block, four)
    const { value, position } = rest[i]!
    accumulate(block, whole, get(value), position ? get(position) : number(0))
    return whole
  })
}

/** Elements of the row: with two ways, four at a time along its last axis and then one by one; with one, one by one. */
function eachOfRow(
  context: Context,
  kernel: RowKernel,
  first: (inner: Context) => void,
  rest?: (inner: Context) => void,
): void {
  const last = kernel.row.at(-1)
  if (!last || !rest) loops(context, kernel.row, first)
  else
    loops(context, kernel.row.slice(0, -1), (outer) =>
      alongLanes(outer, last, number(0), size(last.extent), first, rest),
    )
}

function forEachOfRow(context: Context, kernel: RowKernel, by: Lanes, fill: (inner: Context) => void): void {
  const shared = !context.lanes && by === 'row'
  eachOfRow(context, kernel, fill, shared ? fill : undefined)
}

/** The flat position of the current element in its row. */
function positionOf(context: Context, kernel: RowKernel): Expression {
  return named(
    context,
    kernel.row.reduce((flat, axis) => plus(times(flat, size(axis.extent)), boundValue(context, axis)!), number(0)),
  )
}
/** In four lanes: the same for all where each has its row, else neighbours. */
function lanePosition(context: Context, kernel: RowKernel, position: Expression): Expression {
  const same = op('i32x4.splat', position)
  return kernel.row.includes(context.lanes!) ? op('i32x4.add', same, integerLanes([0, 1, 2, 3])) : same
}
