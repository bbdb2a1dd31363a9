/** Running kernels (cumulative sums): one row after another, its elements in order; four rows at a time where that pays. */
import type { RunningKernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { accumulator } from '../wgsl/identity.ts'
import { float, floats, get, integers, Local, number, size } from './code.ts'
import { bind, type Context, named } from './context.ts'
import { KernelFunction } from './function.ts'
import { functionWriters } from './functions.ts'
import { op } from './instructions.ts'
import { forEachElement } from './map.ts'
import { printScalar, printVector } from './print-scalar.ts'
import { countStores, writeStores } from './stores.ts'

export function emitRunning(kernel: RunningKernel): EmittedKernel {
  const fn = new KernelFunction(kernel.slots)
  fn.identities.count(kernel.value)
  countStores(fn, [kernel.store])
  const isFloat = kernel.value.dtype === 'float'
  fn.vectorTypes.set(accumulator, isFloat ? 'f32' : 'i32')
  const groups = forEachElement(fn, kernel.outer, [kernel.store], (context) => walk(context, kernel))
  return { stages: [fn.finish(kernel.name, groups)], scratch: [] }
}

function walk(context: Context, kernel: RunningKernel): void {
  const { block } = context
  const four = context.lanes !== undefined
  const isFloat = kernel.value.dtype === 'float'
  const sum = new Local(four ? 'v128' : isFloat ? 'f32' : 'i32')
  block.set(sum, isFloat ? (four ? floats(0) : float(0)) : four ? integers(0) : number(0))
  const step = new Local('i32')
  block.set(step, number(0))
  block.loop(step, size(kernel.row.extent), number(1), (inner) => {
    const here = { ...context, block: inner }
    const last = op('i32.sub', size(kernel.row.extent), number(1))
    const at = kernel.reverse ? named(here, op('i32.sub', last, get(step))) : get(step)
    const row = bind(here, [[kernel.row, at]])
    const value = named(row, four ? printVector(row, kernel.value) : printScalar(row, kernel.value))
    const add = () => {
      const { dtype } = kernel.value
      inner.set(sum, functionWriters.add[four ? 'four' : 'one']!([get(sum), value], [dtype, dtype], inner))
    }
    if (!kernel.exclusive) add()
    writeStores(bind(row, [[accumulator, get(sum)]]), [kernel.store])
    if (kernel.exclusive) add()
  })
}
