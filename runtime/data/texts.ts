/**
 * The bytes of a text file → its texts, one an example: a whole file, its lines, one field of each JSON line, one column of
 * a table. What is wrong with a line is told with its number.
 */
import { csvCells } from './csv.ts'
import { DataError } from './data-error.ts'
import type { Column } from './field.ts'

export interface Texts {
  readonly file: string
  readonly items: readonly string[]
  /** The line that an item begins at, counted from 1. */
  readonly lineOf: (item: number) => number
}

/** UTF-8, without a byte order mark. */
export function decodeText(file: string, bytes: Uint8Array): string {
  try {
    // Out of shared memory, which no decoder reads.
    return new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes))
  } catch (cause) {
    throw new DataError({ file, problem: 'not UTF-8 text', fix: 'save the file as UTF-8' }, cause)
  }
}

export const wholeText = (file: string, text: string): Texts => ({ file, items: [text], lineOf: () => 1 })

/** Lines end with LF or CRLF; the end of the last begins none. Empty lines are empty texts, so that files stay aligned. */
export function linesOf(file: string, text: string): Texts {
  const items = text.split(/\r?\n/)
  if (items.at(-1) === '') items.pop()
  return { file, items, lineOf: (item) => item + 1 }
}

export function csvTexts(file: string, text: string, columns: readonly string[], header: boolean): Texts {
  const { rows, chosen } = csvCells(file, text, { columns, header })
  return { file, items: rows.map(({ cells }) => cells[chosen[0]!]!), lineOf: (item) => rows[item]?.line ?? 1 }
}

/** A list of words is their text with spaces between. */
export function jsonTexts(file: string, text: string, field: string): Texts {
  const values = jsonValues(file, text, field)
  const items = values.map(({ value, line }) => {
    if (typeof value === 'string') return value
    const words = Array.isArray(value) ? value : [undefined]
    if (words.every((word): word is string => typeof word === 'string' && !/\s/.test(word))) return words.join(' ')
    throw new DataError({
      file,
      line,
      problem: `\`${field}\` is neither a text nor a list of words without spaces`,
      fix: 'correct the line, or choose another field',
    })
  })
  return { file, items, lineOf: (item) => values[item]?.line ?? 1 }
}

/** Numbers, or lists of them of one length; whole where all are. */
export function jsonNumbers(
  file: string,
  text: string,
  field: string,
  allocate: (byteLength: number) => ArrayBufferLike,
): Column {
  const values = jsonValues(file, text, field)
  const first = values[0]?.value
  const shape = Array.isArray(first) ? [first.length] : []
  const each = shape[0] ?? 1
  const numbers = new Float64Array(allocate(8 * each * values.length))
  let whole = true
  for (const [example, { value, line }] of values.entries()) {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (list.length !== each || Array.isArray(value) !== Array.isArray(first) || !list.every(isNumber)) {
      throw new DataError({
        file,
        line,
        problem: `\`${field}\` is not ${shape.length === 0 ? 'a number' : `a list of ${each} numbers`}, as in the first line`,
        fix: 'correct the line, or add `tokenize(…)` where it is text',
      })
    }
    for (const [i, number] of (list as number[]).entries()) {
      numbers[example * each + i] = number
      whole &&= Number.isInteger(number) && Math.abs(number) < 2 ** 31
    }
  }
  let array: Int32Array | Float64Array = numbers
  if (whole) {
    array = new Int32Array(allocate(4 * numbers.length))
    array.set(numbers)
  }
  return { file, examples: values.length, shape, values: { kind: 'host', array } }
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

interface JsonValue {
  readonly value: unknown
  readonly line: number
}

/** The field of each line; empty lines are none. */
function jsonValues(file: string, text: string, field: string): JsonValue[] {
  const found: JsonValue[] = []
  for (const [i, each] of text.split('\n').entries()) {
    if (each.trim() === '') continue
    const line = i + 1
    let record: unknown
    try {
      record = JSON.parse(each)
    } catch (cause) {
      throw new DataError({ file, line, problem: 'not JSON', fix: 'write one JSON object a line' }, cause)
    }
    if (typeof record !== 'object' || record === null || !Object.hasOwn(record, field)) {
      const known = typeof record === 'object' && record !== null ? Object.keys(record).slice(0, 20).join(', ') : ''
      throw new DataError({
        file,
        line,
        problem: `no field \`${field}\``,
        fix: known === '' ? 'write one JSON object a line' : `the line has ${known}`,
      })
    }
    found.push({ value: (record as Record<string, unknown>)[field], line })
  }
  return found
}
