/**
 * Fields read side by side → a dataset: examples that can be visited in any order. A split takes rows from one dataset for
 * another; both keep the same columns and differ in the rows that they visit.
 */
import { permutation } from '../random.ts'
import { DataError } from './data-error.ts'
import type { Field } from './field.ts'

/** Plain data but for typed arrays: a worker can be handed it. */
export interface Dataset {
  /** `Digits.train`. */
  readonly name: string
  readonly fields: readonly Field[]
  readonly examples: number
  /** Rows of the columns in use; `undefined`: all of them. */
  readonly rows: Uint32Array | undefined
}

export function makeDataset(name: string, fields: readonly Field[]): Dataset {
  const [first, ...others] = fields
  if (first === undefined)
    throw new DataError({ problem: `\`${name}\` has no fields`, fix: 'give it at least one, as in `image = idx("…")`' })
  for (const other of others) {
    if (other.column.examples !== first.column.examples) {
      throw new DataError({
        file: other.column.file,
        problem: `\`${name}\`: field \`${other.name}\` has ${other.column.examples} examples, and \`${first.name}\` (${first.column.file}) has ${first.column.examples}`,
        fix: 'take both from files that belong together',
      })
    }
  }
  if (first.column.examples === 0) {
    throw new DataError({
      file: first.column.file,
      problem: `\`${name}\` has no examples`,
      fix: 'check that this is the right file',
    })
  }
  return { name, fields, examples: first.column.examples, rows: undefined }
}

/**
 * Cuts a fraction off: which rows is a matter of the new dataset's name and the seed alone, so it does not change from run
 * to run with the seed of the training.
 */
export function splitDataset(
  from: Dataset,
  name: string,
  fraction: number,
  seed = 0,
): { rest: Dataset; part: Dataset } {
  const count = Math.round(from.examples * fraction)
  if (count < 1 || count >= from.examples) {
    throw new DataError({
      problem: `\`${name}\`: a fraction of ${fraction} of ${from.examples} examples leaves one side empty`,
      fix: 'choose a fraction that leaves examples to both',
    })
  }
  const order = permutation(from.examples, seed, `split/${name}`)
  const take = (positions: Uint32Array): Uint32Array => {
    const sorted = positions.slice().sort()
    return from.rows === undefined ? sorted : sorted.map((position) => from.rows![position]!)
  }
  return {
    part: { name, fields: from.fields, examples: count, rows: take(order.subarray(0, count)) },
    rest: { ...from, examples: from.examples - count, rows: take(order.subarray(count)) },
  }
}

/** The first `count` examples, for trying out whether a model can learn a few by heart. */
export function firstExamples(from: Dataset, count: number): Dataset {
  if (count >= from.examples) return from
  const rows = from.rows?.subarray(0, count) ?? Uint32Array.from({ length: count }, (_, i) => i)
  return { ...from, examples: count, rows }
}
