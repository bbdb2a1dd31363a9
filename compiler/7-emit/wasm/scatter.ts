/**
 * Scatter-add without races: a group owns a run of targets and of the elements behind them, clears those, and walks all
 * entries in order, adding what falls to it. The order of additions is that of the entries, whoever adds.
 */
import { ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import { addIndex, axisIndex, scaleIndex } from '../../ir/index.ts'
import type { Axis, Index, ScatterKernel, Store } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { type Expression, float, floats, get, integers, number, size } from './code.ts'
import { bind, type Context, divisor, elements, inside, named, rootContext, unflatten } from './context.ts'
import { KernelFunction } from './function.ts'
import { functionWriters } from './functions.ts'
import { loadFloat, loadInt, loadVector, op, plus, storeItems, times } from './instructions.ts'
import { laneQuality } from './lane-choice.ts'
import { least } from './map.ts'
import { printAddress } from './print-index.ts'
import { printNamed, printScalar, printVector } from './print-scalar.ts'
import { alongLanes, alongOne } from './reduce.ts'

/** Parts into which the targets are cut. */
const parts = 4
/** Elements behind a target that one group owns. */
const chunk = 64

export function emitScatter(kernel: ScatterKernel): EmittedKernel {
  const fn = new KernelFunction(kernel.slots)
  fn.identities.count(kernel.position)
  fn.identities.count(kernel.value)
  const target: Axis = { name: 't', extent: kernel.size }
  const index = outputIndex(kernel, target)
  const last = kernel.after.at(-1)
  const others = kernel.after.slice(0, -1)
  const chunks = last ? ceilQuotient(last.extent, dim(chunk)) : one
  const rows = [...kernel.before, ...others]
  fn.forEachGroup((block, group) => {
    const root = inside(rootContext(fn), block)
    const outer = named(root, op('i32.div_u', get(group), number(parts)))
    const part = named(root, op('i32.and', get(group), number(parts - 1)))
    const row = named(root, op('i32.div_u', outer, divisor(chunks)))
    const context = bind(root, unflatten(root, rows, row))
    const length = named(context, size(ceilQuotient(kernel.size, dim(parts))))
    const first = named(context, least(named(context, times(part, length)), size(kernel.size)))
    const end = named(context, least(plus(first, length), size(kernel.size)))
    const run = last && {
      begin: named(context, times(op('i32.sub', outer, times(row, size(chunks))), number(chunk))),
      axis: last,
    }
    const lanes = last !== undefined && laneQuality(fn, [kernel.value], last, [clearing(kernel, index)]) > 0
    const elementsOf = (at: Context, fill: (inner: Context) => void) => {
      if (!run) return fill(at)
      const stop = named(at, least(plus(run.begin, number(chunk)), size(run.axis.extent)))
      if (lanes) alongLanes(at, run.axis, run.begin, stop, fill, fill)
      else alongOne(at, run.axis, run.begin, stop, fill)
    }
    alongOne(context, target, first, end, (at) => elementsOf(at, (inner) => change(inner, kernel, index, false)))
    alongOne(context, kernel.entries, number(0), size(kernel.entries.extent), (entry) => {
      const position = printNamed(entry, kernel.position)
      const inRun = op('i32.lt_u', op('i32.sub', position, first), op('i32.sub', end, first))
      entry.block.if(inRun, (taken) => {
        const here = bind(entry, [[target, position]], taken)
        elementsOf(here, (inner) => change(inner, kernel, index, true))
      })
    })
  })
  const groups = multiply(elements(rows), chunks, dim(parts))
  return { stages: [fn.finish(kernel.name, groups)], scratch: [] }
}

function outputIndex(kernel: ScatterKernel, target: Axis): Index {
  const axes = [...kernel.before, target, ...kernel.after]
  let stride: Dim = one
  const terms: Index[] = []
  for (const axis of axes.toReversed()) {
    terms.unshift(scaleIndex(axisIndex(axis), stride))
    stride = multiply(stride, axis.extent)
  }
  return addIndex(...terms)
}

const clearing = (kernel: ScatterKernel, index: Index): Store => ({
  slot: kernel.output,
  index,
  value: { kind: 'number', value: 0, dtype: kernel.value.dtype },
})

/** Clears the output at the current element, or adds the update there. */
function change(context: Context, kernel: ScatterKernel, index: Index, adds: boolean): void {
  const { dtype } = kernel.value
  const four = context.lanes !== undefined
  const address = printAddress(context, kernel.output, index)
  const zero = dtype === 'float' ? (four ? floats(0) : float(0)) : four ? integers(0) : number(0)
  let value: Expression = zero
  if (adds) {
    const update = named(context, four ? printVector(context, kernel.value) : printScalar(context, kernel.value))
    const old = four ? loadVector(address) : dtype === 'float' ? loadFloat(address) : loadInt(address)
    value = functionWriters.add[four ? 'four' : 'one']!([old, update], [dtype, dtype], context.block)
  }
  context.block.add(storeItems(address, value))
}
