/** Tensors of many examples → batches of a model's size, in an order that is a matter of the seed and the epoch alone. */

import { ShapeError } from './errors.ts'
import type { TensorData } from './executor.ts'
import type { Batches, RecordBatches, TensorRecord } from './model-spec.ts'
import { permutation } from './random.ts'

/** A tensor of a batch, and how many of its numbers are one example's. */
interface Column {
  readonly name: string
  readonly each: number
}

/**
 * What does not fill a batch is left out, but for a last one of exactly `partial` examples. `order` is the name of the
 * random order and its seed; without, the examples keep theirs.
 */
export function recordBatches<B>(
  examples: B,
  wanted: readonly Column[],
  batch: number,
  partial: number,
  order?: { readonly name: string; readonly seed: number },
): RecordBatches<B> {
  const record = examples as TensorRecord
  const columns = wanted.map(({ name, each }) => {
    const data = record[name]
    if (!data || data.length % each !== 0)
      throw new ShapeError(name, `a multiple of ${each} numbers`, String(data?.length))
    return { name, data, each, count: data.length / each }
  })
  // A model that can be trained has an input.
  const [first] = columns as [(typeof columns)[number]]
  const { count } = first
  for (const { name, count: own } of columns)
    if (own !== count) throw new ShapeError(name, `${count} examples, as \`${first.name}\` has`, String(own))
  const rest = count % batch
  const used = order || rest !== partial ? count - rest : count
  if (used === 0) throw new ShapeError(first.name, `at least ${batch} examples`, String(count))
  const length = Math.ceil(used / batch)
  let epochs = 0
  /** Batches counted through all epochs. */
  function* between(step: number, end: number): Generator<B> {
    for (let rows: Uint32Array | undefined, start = used; step < end; step++, start += batch) {
      if (start >= used) {
        start = (step % length) * batch
        rows = order && permutation(count, order.seed, `shuffle${order.name}/${Math.floor(step / length)}`)
      }
      const last = Math.min(start + batch, used)
      yield Object.fromEntries(columns.map(({ name, data, each }) => [name, part(data, each, start, last, rows)])) as B
    }
  }
  return {
    length,
    [Symbol.iterator]: () => between(length * epochs, length * ++epochs),
    after: (steps) => between(steps, Infinity),
  }
}

function part(data: TensorData, each: number, start: number, end: number, rows: Uint32Array | undefined) {
  const filled = data.slice(start * each, end * each)
  rows?.subarray(start, end).forEach((row, i) => {
    filled.set(data.subarray(row * each, (row + 1) * each), i * each)
  })
  return filled
}

/** The batches of an epoch, whatever gives them, as records of tensors. */
export async function* recordsOf<B>(batches: Batches<B>, epoch: number): AsyncGenerator<B> {
  if (!('epoch' in batches)) yield* batches
  else for await (const { fields } of batches.epoch(epoch, 0)) yield Object.fromEntries(fields) as B
}
