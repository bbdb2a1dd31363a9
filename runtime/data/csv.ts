/**
 * Text of a CSV file → one column per field: the chosen columns of each row side by side, whole numbers as int32 where all are,
 * float64 otherwise. Quoting and line ends as RFC 4180 has them; a fault is named with its line and column.
 */
import Papa from 'papaparse'
import { DataError } from './data-error.ts'
import type { Column } from './field.ts'

export interface CsvOptions {
  /** Header names, or positions counted from 0 when there is no header; empty: all columns. */
  readonly columns: readonly string[]
  readonly header: boolean
  readonly allocate?: (byteLength: number) => ArrayBufferLike
}

export function parseCsv(file: string, text: string, options: CsvOptions): Column {
  const { allocate = (byteLength: number) => new ArrayBuffer(byteLength) } = options
  const { rows, chosen, names } = csvCells(file, text, options)
  const numbers = new Float64Array(allocate(rows.length * chosen.length * 8))
  let whole = true
  for (const [row, { cells, line }] of rows.entries()) {
    for (const [k, index] of chosen.entries()) {
      const cell = cells[index]!.trim()
      const value = Number(cell)
      if (cell === '' || !Number.isFinite(value)) {
        const column = names?.[index] ?? String(index)
        const problem =
          cell === ''
            ? `column \`${column}\` is empty`
            : `column \`${column}\` holds ${JSON.stringify(cell.slice(0, 40))}, which is no number`
        throw new DataError({ file, line, problem, fix: 'correct the line, remove it, or choose other columns' })
      }
      whole &&= Number.isInteger(value) && Math.abs(value) < 2 ** 31
      numbers[row * chosen.length + k] = value
    }
  }
  const shape = chosen.length === 1 && options.columns.length === 1 ? [] : [chosen.length]
  let array: Int32Array | Float64Array = numbers
  if (whole) {
    array = new Int32Array(allocate(numbers.length * 4))
    array.set(numbers)
  }
  return { file, examples: rows.length, shape, values: { kind: 'host', array } }
}

export interface CsvCells {
  readonly rows: readonly Row[]
  /** Positions of the chosen columns. */
  readonly chosen: readonly number[]
  readonly names: readonly string[] | undefined
}

/** The rows of a table, all of one width, and where the chosen columns are in them. */
export function csvCells(file: string, text: string, options: Pick<CsvOptions, 'columns' | 'header'>): CsvCells {
  const rows = csvRows(file, text)
  const names = options.header ? rows.shift()?.cells : undefined
  if (options.header && names === undefined) {
    throw new DataError({
      file,
      line: 1,
      problem: 'empty, and its first line should name the columns',
      fix: 'check the path',
    })
  }
  const width = names?.length ?? rows[0]?.cells.length ?? 0
  const chosen =
    options.columns.length === 0
      ? Array.from({ length: width }, (_, i) => i)
      : options.columns.map((name) => columnIndex(file, name, names, width))
  for (const { cells, line } of rows) {
    if (cells.length !== width) {
      throw new DataError({
        file,
        line,
        problem: `${cells.length} cells, and the lines before have ${width}`,
        fix: 'correct the line or remove it',
      })
    }
  }
  return { rows, chosen, names }
}

function columnIndex(file: string, name: string, names: readonly string[] | undefined, width: number): number {
  const index = names === undefined ? Number(name) : names.indexOf(name)
  if (Number.isInteger(index) && index >= 0 && index < width) return index
  throw new DataError({
    file,
    line: 1,
    problem: `no column \`${name}\``,
    fix:
      names === undefined ? `there are ${width}, counted from 0` : `the columns are ${names.slice(0, 20).join(', ')}`,
  })
}

interface Row {
  readonly cells: string[]
  readonly line: number
}

/** Rows with the line each starts at (a quoted cell may span several). Blank lines are no rows. */
function csvRows(file: string, text: string): Row[] {
  const rows: Row[] = []
  const plain = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  let line = 1
  let scanned = 0
  Papa.parse<string[]>(plain, {
    delimiter: file.replace(/\.gz$/, '').endsWith('.tsv') ? '\t' : ',',
    step({ data, errors, meta }) {
      const [error] = errors
      if (error !== undefined) {
        throw new DataError({ file, line, problem: error.message.toLowerCase(), fix: 'close the quotes of that line' })
      }
      if (data.length > 1 || data[0] !== '') rows.push({ cells: data, line })
      for (let at = plain.indexOf('\n', scanned); at !== -1 && at < meta.cursor; at = plain.indexOf('\n', at + 1))
        line += 1
      scanned = meta.cursor
    },
  })
  return rows
}
