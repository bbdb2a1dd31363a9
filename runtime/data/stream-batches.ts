/**
 * A stream of examples of any length → batches, at bounded memory: shuffled through a buffer of so many examples, each
 * draw replaced by the next of the stream. The draws are a matter of the seed and the epoch's number.
 */

import { ShapeError } from '../errors.ts'
import type { TensorData } from '../executor.ts'
import { randomStream } from '../random.ts'
import { type Batch, type BatchSource, typedArray, type WantedField } from './batches.ts'
import { elementCount } from './field.ts'
import { prefetch } from './prefetch.ts'

/** An example: a number for a scalar, the flat numbers of a tensor otherwise. */
export type Example = Readonly<Record<string, number | ArrayLike<number>>>

export interface StreamOptions {
  readonly name: string
  readonly batch: number
  readonly dropLast: boolean
  /** Examples held back for shuffling; the larger, the nearer to a full shuffle. */
  readonly shuffle?: { readonly seed: number; readonly buffer: number }
}

export function streamBatches(
  open: (epoch: number) => AsyncIterable<Example> | Iterable<Example>,
  wanted: readonly WantedField[],
  options: StreamOptions,
): BatchSource {
  return {
    name: options.name,
    examples: undefined,
    batchesPerEpoch: undefined,
    async *epoch(epoch, skip) {
      const examples =
        options.shuffle === undefined ? open(epoch) : shuffled(open(epoch), epoch, options.name, options.shuffle)
      let index = 0
      // Two sets of arrays: one batch is with the caller while the next is filled.
      for await (const batch of prefetch(collect(examples, wanted, options))) if (index++ >= skip) yield batch
    },
  }
}

async function* shuffled(
  examples: AsyncIterable<Example> | Iterable<Example>,
  epoch: number,
  name: string,
  { seed, buffer }: { readonly seed: number; readonly buffer: number },
): AsyncGenerator<Example> {
  const { below } = randomStream(seed, `shuffle/${name}/${epoch}`)
  const held: Example[] = []
  for await (const example of examples) {
    if (held.length < buffer) {
      held.push(example)
      continue
    }
    const drawn = below(held.length)
    yield held[drawn]!
    held[drawn] = example
  }
  while (held.length > 0) {
    const drawn = below(held.length)
    yield held[drawn]!
    held[drawn] = held.at(-1)!
    held.pop()
  }
}

async function* collect(
  examples: AsyncIterable<Example> | Iterable<Example>,
  wanted: readonly WantedField[],
  { batch, dropLast }: StreamOptions,
): AsyncGenerator<Batch> {
  const allocate = () =>
    wanted.map(({ dtype, shape }) => typedArray(dtype, new ArrayBuffer(4 * elementCount(shape) * batch)))
  const sets = [allocate(), allocate()] as const
  let turn: 0 | 1 = 0
  let count = 0
  const finish = (): Batch => {
    const fields = new Map<string, TensorData>()
    for (const [i, want] of wanted.entries())
      fields.set(want.name, sets[turn][i]!.subarray(0, count * elementCount(want.shape)))
    const done = { examples: count, fields }
    turn = turn === 0 ? 1 : 0
    count = 0
    return done
  }
  for await (const example of examples) {
    for (const [i, want] of wanted.entries()) put(sets[turn][i]!, count, want, example)
    count += 1
    if (count === batch) yield finish()
  }
  if (count > 0 && !dropLast) yield finish()
}

function put(into: TensorData, at: number, want: WantedField, example: Example): void {
  const each = elementCount(want.shape)
  const value = Object.hasOwn(example, want.name) ? example[want.name] : undefined
  const given = value === undefined ? 0 : typeof value === 'number' ? 1 : value.length
  if (value === undefined || given !== each) {
    throw new ShapeError(want.name, `${each} numbers an example`, value === undefined ? 'none' : String(given))
  }
  if (typeof value === 'number') into[at * each] = value
  else into.set(value, at * each)
}

/** Batches that the caller makes: any (async) iterable of records of typed arrays, opened anew for each epoch. */
export function givenBatches(
  name: string,
  open: (
    epoch: number,
  ) => AsyncIterable<Readonly<Record<string, TensorData>>> | Iterable<Readonly<Record<string, TensorData>>>,
  wanted: readonly WantedField[],
): BatchSource {
  const first = wanted[0]
  if (first === undefined) throw new Error(`${name}: a model without inputs takes no batches`)
  return {
    name,
    examples: undefined,
    batchesPerEpoch: undefined,
    async *epoch(epoch, skip) {
      let index = 0
      for await (const record of open(epoch)) {
        if (index++ < skip) continue
        const examples = (record[first.name]?.length ?? 0) / elementCount(first.shape)
        for (const { name: field, shape } of wanted) {
          const expected = examples * elementCount(shape)
          const given = record[field]?.length ?? 0
          if (given !== expected || !Number.isInteger(examples) || examples === 0) {
            throw new ShapeError(
              field,
              `${elementCount(shape)} numbers for each of ${Math.floor(examples)} examples`,
              String(given),
            )
          }
        }
        yield { examples, fields: new Map(wanted.map((want) => [want.name, record[want.name]!])) }
      }
    },
  }
}
