/** The stores at the end of a kernel: every value is computed before the first is written, so an update in place reads what was there. */
import type { Store } from '../../ir/kernel.ts'
import { type Expression, integers } from './code.ts'
import { type Context, isVector, named } from './context.ts'
import type { KernelFunction } from './function.ts'
import { extract, op, storeItems, storeLaneItems } from './instructions.ts'
import { laneContext } from './lanes.ts'
import { laneStep, printAddress } from './print-index.ts'
import { printNamed, printVector } from './print-scalar.ts'

export function countStores(fn: KernelFunction, stores: readonly Store[]): void {
  for (const { index, value } of stores) {
    fn.identities.count(index)
    fn.identities.count(value)
  }
}

export function writeStores(context: Context, stores: readonly Store[]): void {
  const writes = stores.map((store) => (context.lanes ? prepareFour(context, store) : prepareOne(context, store)))
  for (const write of writes) write()
}

function prepareOne(context: Context, { slot, index, value }: Store): () => void {
  const element = printNamed(context, value)
  const address = printAddress(context, slot, index)
  return () => context.block.add(storeItems(address, element))
}

function prepareFour(context: Context, { slot, index, value }: Store): () => void {
  const vector = named(context, printVector(context, value))
  const words: Expression = value.dtype === 'bool' ? named(context, op('v128.and', vector, integers(1))) : vector
  const step = laneStep(context, index)
  if (step === 1) {
    const address = printAddress(context, slot, index)
    return () => context.block.add(storeItems(address, words))
  }
  if (!isVector(context, context.fn.identities.of(index))) {
    // One place for four equal values.
    const address = printAddress(context, slot, index)
    return () => context.block.add(storeItems(address, extract(words, value.dtype === 'float' ? 'f32' : 'i32', 3)))
  }
  const addresses = [0, 1, 2, 3].map((lane) => printAddress(laneContext(context, lane), slot, index))
  return () => {
    for (const [lane, address] of addresses.entries()) context.block.add(storeLaneItems(address, words, lane))
  }
}
