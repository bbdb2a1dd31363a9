/**
 * Examples of several lengths → batches that need not be as long as the longest: each batch is of examples of one bucket, and
 * all its tensors have that bucket's lengths. There are as many shapes as buckets, so a session is made for all of them.
 */
import type { DimValues } from '../abi.ts'
import type { BatchOptions, WantedField } from './batches.ts'
import { DataError } from './data-error.ts'
import type { Dataset } from './dataset.ts'

export interface Buckets {
  /** For each bucket the values of the dims that it decides; ascending. */
  readonly dims: readonly DimValues[]
  /** The bucket of a row of the columns. */
  readonly of: (row: number) => number
}

/**
 * Where the model leaves the lengths free. An example is in the greatest bucket of its fields. `undefined`: all batches are
 * of the greatest length.
 */
export function bucketsOf(dataset: Dataset, wanted: readonly WantedField[]): Buckets | undefined {
  const fields = wanted.flatMap(({ name, dim }) => {
    const buckets = dataset.fields.find((field) => field.name === name)?.column.buckets
    return buckets ? [{ name, dim, ...buckets }] : []
  })
  const [first] = fields
  if (first === undefined) return undefined
  const decided = new Set(fields.map(({ dim }) => dim))
  const unfree = wanted.some(
    ({ name, dim }) => dim !== undefined && decided.has(dim) && !fields.some((f) => f.name === name),
  )
  if (decided.has(undefined) || unfree) return undefined
  for (const field of fields) {
    const same = fields.find(({ dim }) => dim === field.dim)!
    if (
      field.lengths.length !== first.lengths.length ||
      field.lengths.some((length, i) => length !== same.lengths[i])
    ) {
      const other = field.lengths.length === first.lengths.length ? same : first
      throw new DataError({
        problem: `\`${dataset.name}\`: \`${field.name}\` is padded to one of ${field.lengths.join(', ')}, and \`${other.name}\` to one of ${other.lengths.join(', ')}`,
        fix: 'let all fields have equally many lengths, and those of one dim the same',
      })
    }
  }
  return {
    dims: first.lengths.map((_, bucket) =>
      Object.fromEntries(fields.map(({ dim, lengths }) => [dim!, lengths[bucket]!])),
    ),
    of: (row) => fields.reduce((most, { of }) => Math.max(most, of[row]!), 0),
  }
}

/**
 * The same rows in an order in which each `batch` of them are of one bucket: a batch comes where its last example was. What
 * is left of the buckets in the end makes batches of neighbours.
 */
export function bucketOrder(rows: Uint32Array, buckets: Buckets, { batch }: Pick<BatchOptions, 'batch'>): Uint32Array {
  const open = buckets.dims.map(() => [] as number[])
  const order = new Uint32Array(rows.length)
  let at = 0
  for (const row of rows) {
    const rest = open[buckets.of(row)]!
    rest.push(row)
    if (rest.length < batch) continue
    order.set(rest, at)
    at += batch
    rest.length = 0
  }
  order.set(open.flat(), at)
  return order
}
