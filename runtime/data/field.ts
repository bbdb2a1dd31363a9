/**
 * A column of a dataset: the same tensor of every example, kept as compactly as its file had it and turned into the
 * model's numbers only while a batch is filled. An IDX file of bytes stays bytes; sixty thousand digits take 47 MB, not 188.
 */
import type { NumberStage } from '../abi.ts'
import type { TensorData } from '../executor.ts'
import type { TokenizerRecord } from '../tokenize/tokenizer.ts'

/** The numbers of one source, example after example. */
export interface Column {
  /** For messages: the file it came from. */
  readonly file: string
  readonly examples: number
  /** Of one example. */
  readonly shape: readonly number[]
  readonly values: ColumnValues
  /** Where an example begins, in elements: at `first + stride · example`; by default side by side from 0. */
  readonly layout?: { readonly first: number; readonly stride: number }
  /** Examples of several lengths of their first axis: ascending, and for each example the place of its own. */
  readonly buckets?: { readonly lengths: readonly number[]; readonly of: Uint8Array }
}
/** Floats of CSV and IDX lie in float64 or float32; integers keep their width. Multi-byte IDX stays big-endian in its file. */
export type ColumnValues =
  | { readonly kind: 'host'; readonly array: Uint8Array | Int8Array | Int32Array | Float32Array | Float64Array }
  | {
      readonly kind: 'big_endian'
      readonly element: 'i16' | 'i32' | 'f32' | 'f64'
      readonly view: DataView
      readonly start: number
    }

/** A column with its stages. Plain data but for typed arrays, so that a worker can be handed it without copying. */
export interface Field {
  readonly name: string
  readonly column: Column
  readonly stages: readonly NumberStage[]
  /** Of one example, after the stages. */
  readonly shape: readonly number[]
  /** Integers stay integers until a stage makes fractions of them. */
  readonly dtype: 'float' | 'int'
  /** What its numbers stand for, where they are tokens. */
  readonly vocabulary?: TokenizerRecord
}

/** Fills one example's part of a batch; `elements`: only so many of the column's from the start. */
export type FillExample = (into: TensorData, at: number, example: number, elements?: number) => void

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** The index of an example's first element. */
export function exampleStart({ shape, layout }: Column): (example: number) => number {
  const { first, stride } = layout ?? { first: 0, stride: elementCount(shape) }
  return (example) => first + stride * example
}

/** The stages of a field, composed once: one affine map, a table for bytes, at most one one-hot. */
export function fillExample(field: Field): FillExample {
  const { column } = field
  const count = elementCount(column.shape)
  let factor = 1
  let offset = 0
  let classes = 0
  for (const stage of field.stages) {
    switch (stage.kind) {
      case 'scale':
        factor *= stage.by
        offset *= stage.by
        break
      case 'shift':
        offset += stage.by
        break
      case 'normalize':
        factor /= stage.deviation
        offset = (offset - stage.mean) / stage.deviation
        break
      case 'one_hot':
        classes = stage.classes
        break
      case 'reshape':
        break
      default:
        stage satisfies never
    }
  }
  const number = reader(column.values)
  const startOf = exampleStart(column)
  if (classes > 0) return fillOneHot(number, startOf, count, classes)
  if (
    column.values.kind === 'host' &&
    (column.values.array instanceof Uint8Array || column.values.array instanceof Int8Array)
  ) {
    // At most 256 different values: the affine map becomes a table, and filling a batch one lookup an element.
    const { array } = column.values
    const table = new Float64Array(256)
    for (let byte = 0; byte < 256; byte++)
      table[byte] = factor * (array instanceof Int8Array ? (byte << 24) >> 24 : byte) + offset
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.length)
    const single = Float32Array.from(table)
    return (into, at, example, elements = count) => {
      const values = into instanceof Float32Array ? single : table
      const start = startOf(example)
      for (let i = 0; i < elements; i++) into[at + i] = values[bytes[start + i]!]!
    }
  }
  return (into, at, example, elements = count) => {
    const start = startOf(example)
    for (let i = 0; i < elements; i++) into[at + i] = factor * number(start + i) + offset
  }
}

function fillOneHot(
  number: (index: number) => number,
  startOf: (example: number) => number,
  count: number,
  classes: number,
): FillExample {
  return (into, at, example, elements = count) => {
    into.fill(0, at, at + elements * classes)
    // A class out of range was refused when the field was made; nothing is set for it here.
    for (let i = 0; i < elements; i++) into[at + i * classes + number(startOf(example) + i)] = 1
  }
}

/** The number at an index of a column. */
export function reader(values: ColumnValues): (index: number) => number {
  if (values.kind === 'host') {
    const { array } = values
    return (index) => array[index]!
  }
  const { view, start } = values
  switch (values.element) {
    case 'i16':
      return (index) => view.getInt16(start + 2 * index)
    case 'i32':
      return (index) => view.getInt32(start + 4 * index)
    case 'f32':
      return (index) => view.getFloat32(start + 4 * index)
    case 'f64':
      return (index) => view.getFloat64(start + 8 * index)
    default:
      return values.element satisfies never
  }
}

/** Whether a column holds whole numbers only, by its type or, for host floats, by how it was made. */
export function holdsIntegers(values: ColumnValues): boolean {
  if (values.kind === 'big_endian') return values.element === 'i16' || values.element === 'i32'
  return !(values.array instanceof Float32Array || values.array instanceof Float64Array)
}
