/**
 * A dataset → batches of the tensors that a model asks for, epoch after epoch. The order of an epoch is a matter of the seed
 * and the epoch's number alone, so a run can go on in the middle of one.
 */
import type { DimValues } from '../abi.ts'
import type { TensorData } from '../executor.ts'
import { permutation } from '../random.ts'
import { type Buckets, bucketOrder, bucketsOf } from './buckets.ts'
import { DataError } from './data-error.ts'
import type { Dataset } from './dataset.ts'
import { elementCount, type Field, fillExample } from './field.ts'

/** A tensor of the model that a batch must fill. */
export interface WantedField {
  readonly name: string
  /** Of one example. */
  readonly shape: readonly number[]
  readonly dtype: 'float' | 'int' | 'uint' | 'bool'
  /** The free dim of an example's first axis, where it is one: its batches may be of several lengths. */
  readonly dim?: string
}

export interface Batch {
  /** Fewer than the batch size only in the last batch of an evaluation. */
  readonly examples: number
  /** Valid until the next batch is asked for: the arrays are filled again and again. */
  readonly fields: ReadonlyMap<string, TensorData>
  /** Dims that are not the session's: the lengths of a batch of short examples. */
  readonly dims?: DimValues
}

/** What the trainer draws batches from. */
export interface BatchSource {
  readonly name: string
  /** Unknown for a stream. */
  readonly examples: number | undefined
  readonly batchesPerEpoch: number | undefined
  /** Dims that its batches may have besides the session's own. */
  readonly variants?: readonly DimValues[]
  /** Batches of an epoch (counted from 0), the first `skip` of them left out. */
  epoch(epoch: number, skip: number): AsyncIterable<Batch>
  close?(): Promise<void>
}

export interface BatchOptions {
  readonly batch: number
  /** Absent: in the order of the rows, as for evaluation. */
  readonly shuffle?: { readonly seed: number }
  /** Leaves out a last batch that is not full, as for training. */
  readonly dropLast: boolean
}

export function datasetBatches(dataset: Dataset, wanted: readonly WantedField[], options: BatchOptions): BatchSource {
  const count = batchCount(dataset, options)
  const fill = batchFiller(dataset, wanted, options.batch)
  const arrays = batchArrays(wanted, options.batch)
  const buckets = bucketsOf(dataset, wanted)
  return {
    name: dataset.name,
    examples: dataset.examples,
    batchesPerEpoch: count,
    ...(buckets && { variants: buckets.dims.slice(0, -1) }),
    async *epoch(epoch, skip) {
      const order = epochOrder(dataset, epoch, options, buckets)
      for (let index = skip; index < count; index++) yield fill(order, index, arrays)
    },
  }
}

export function batchCount(dataset: Dataset, { batch, dropLast }: BatchOptions): number {
  const count = dropLast ? Math.floor(dataset.examples / batch) : Math.ceil(dataset.examples / batch)
  if (count === 0) {
    throw new DataError({
      problem: `\`${dataset.name}\` has ${dataset.examples} examples, too few for one batch of ${batch}`,
      fix: `choose a batch of at most ${dataset.examples}`,
    })
  }
  return count
}

/** The rows of an epoch in the order in which it visits them. */
export function epochOrder(
  dataset: Dataset,
  epoch: number,
  options: BatchOptions,
  buckets?: Buckets | undefined,
): Uint32Array {
  const rows = visitedRows(dataset, epoch, options)
  return buckets === undefined ? rows : bucketOrder(rows, buckets, options)
}

function visitedRows(dataset: Dataset, epoch: number, { shuffle }: BatchOptions): Uint32Array {
  const { rows } = dataset
  if (shuffle === undefined) return rows ?? Uint32Array.from({ length: dataset.examples }, (_, i) => i)
  const order = permutation(dataset.examples, shuffle.seed, `shuffle/${dataset.name}/${epoch}`)
  return rows === undefined ? order : order.map((position) => rows[position]!)
}

/** Arrays for one batch, in the order of the wanted fields. */
export function batchArrays(wanted: readonly WantedField[], batch: number): readonly TensorData[] {
  return wanted.map(({ dtype, shape }) => typedArray(dtype, new ArrayBuffer(4 * elementCount(shape) * batch)))
}

/** Fills the batch of an index of an epoch's order into arrays that it is given. */
export function batchFiller(
  dataset: Dataset,
  wanted: readonly WantedField[],
  batch: number,
): (order: Uint32Array, index: number, arrays: readonly TensorData[]) => Batch {
  const buckets = bucketsOf(dataset, wanted)
  const columns = wanted.map((want) => {
    const field = fieldFor(dataset, want)
    const inner = elementCount(want.shape.slice(1))
    return { name: want.name, each: elementCount(want.shape), inner, dim: want.dim, fill: fillExample(field) }
  })
  return (order, index, arrays) => {
    const start = index * batch
    const examples = Math.min(batch, order.length - start)
    const fields = new Map<string, TensorData>()
    const dims = buckets && bucketDims(buckets, order.subarray(start, start + examples))
    for (const [k, { name, each, inner, dim, fill }] of columns.entries()) {
      const data = arrays[k]!
      const length = dim === undefined ? undefined : dims?.[dim]
      const size = length === undefined ? each : length * inner
      for (let i = 0; i < examples; i++) fill(data, i * size, order[start + i]!, length)
      fields.set(name, examples * size === data.length ? data : data.subarray(0, examples * size))
    }
    return { examples, fields, ...(dims && { dims }) }
  }
}

/** Of the greatest bucket among the examples. */
function bucketDims({ dims, of }: Buckets, rows: Uint32Array): DimValues | undefined {
  const most = rows.reduce((greatest, row) => Math.max(greatest, of(row)), 0)
  return most === dims.length - 1 ? undefined : dims[most]
}

export function typedArray(dtype: WantedField['dtype'], buffer: ArrayBufferLike): TensorData {
  switch (dtype) {
    case 'float':
      return new Float32Array(buffer)
    case 'int':
      return new Int32Array(buffer)
    case 'uint':
    case 'bool':
      return new Uint32Array(buffer)
    default:
      return dtype satisfies never
  }
}

/** The dataset's field for a tensor of the model: it must be there, of the same shape, and whole where the model counts. */
export function fieldFor(dataset: Dataset, want: WantedField): Field {
  const field = dataset.fields.find(({ name }) => name === want.name)
  if (field === undefined) {
    throw new DataError({
      problem: `\`${dataset.name}\` has no field \`${want.name}\`, which the model asks for`,
      fix: `it has ${dataset.fields.map(({ name }) => name).join(', ')}; rename one, or add \`${want.name} = …\``,
    })
  }
  const { file } = field.column
  const [given, expected] = [field.shape, want.shape].map((shape) => `[${shape.join(', ')}]`)
  if (given !== expected) {
    const sameCount = elementCount(field.shape) === elementCount(want.shape)
    throw new DataError({
      file,
      problem: `field \`${want.name}\` of \`${dataset.name}\` has examples of shape ${given}, and the model takes ${expected}`,
      fix: sameCount
        ? `add \`|> reshape(${want.shape.join(', ')})\``
        : 'choose another file, or change the model’s input',
    })
  }
  if (want.dtype !== 'float' && field.dtype === 'float') {
    throw new DataError({
      file,
      problem: `field \`${want.name}\` of \`${dataset.name}\` holds fractions, and the model takes whole numbers`,
      fix: 'remove the stage that makes fractions, or choose another column',
    })
  }
  return field
}
