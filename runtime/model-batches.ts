/** Tensors of many examples → batches of a model's size, each time in a new order if they are shuffled; what does not fill one is left out. */

import type { WantedField } from './data/batches.ts'
import { elementCount } from './data/field.ts'
import { ShapeError } from './errors.ts'
import type { TensorData } from './executor.ts'
import type { Batches, TensorRecord } from './model-spec.ts'
import { permutation } from './random.ts'

export function recordBatches<B>(
  examples: B,
  wanted: readonly WantedField[],
  batch: number,
  seed: number | undefined,
): Iterable<B> & { readonly length: number } {
  const record = examples as TensorRecord
  const columns = wanted.map(({ name, shape }) => {
    const data = record[name]
    const each = elementCount(shape)
    if (!data || data.length % each !== 0)
      throw new ShapeError(name, `a multiple of ${each} numbers`, data ? String(data.length) : 'none')
    return { name, data, each, count: data.length / each }
  })
  const count = columns[0]?.count ?? 0
  for (const { name, count: own } of columns)
    if (own !== count) throw new ShapeError(name, `${count} examples, as \`${columns[0]!.name}\` has`, String(own))
  if (count < batch) throw new ShapeError(columns[0]?.name ?? 'batch', `at least ${batch} examples`, String(count))
  let epoch = 0
  return {
    length: Math.floor(count / batch),
    *[Symbol.iterator]() {
      const order = seed === undefined ? undefined : permutation(count, seed, `shuffle/${epoch++}`)
      for (let start = 0; start + batch <= count; start += batch)
        yield Object.fromEntries(
          columns.map(({ name, data, each }) => [name, part(data, each, start, batch, order)]),
        ) as B
    },
  }
}

function part(data: TensorData, each: number, start: number, batch: number, order: Uint32Array | undefined) {
  if (!order) return data.subarray(start * each, (start + batch) * each)
  const filled = data.slice(0, batch * each)
  for (let i = 0; i < batch; i++) {
    const from = order[start + i]! * each
    filled.set(data.subarray(from, from + each), i * each)
  }
  return filled
}

/** The batches of an epoch, whatever gives them, as records of tensors. */
export async function* recordsOf<B>(batches: Batches<B>, epoch: number): AsyncGenerator<B> {
  if (!('epoch' in batches)) yield* batches
  else for await (const { fields } of batches.epoch(epoch, 0)) yield Object.fromEntries(fields) as B
}
