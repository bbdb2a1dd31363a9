/** Labelled lines of one source → the lines of a snippet: number, text, underlines, label texts. */
import type { Source } from '../../grammar/source.ts'
import { columnAt, displayAround, type LineWindow, printable } from './display.ts'
import type { Style } from './render.ts'

export interface Mark {
  readonly source: Source
  readonly text: string
  readonly style: string
  /** Lines and columns from 1. */
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly line: number; readonly column: number }
  readonly empty: boolean
}

interface Frame {
  readonly gutter: number
  readonly style: Style
  readonly width: number
}

/** A mark's part on one line, in display columns `[from, to)`. */
interface Piece {
  readonly from: number
  readonly to: number
  readonly text: string
  readonly style: string
  /** The first line of a mark over several lines: its underline runs on, its text stands at the last. */
  readonly open: boolean
}

export function renderLines(source: Source, marks: readonly Mark[], frame: Frame): string[] {
  const wanted = new Map<number, Mark[]>()
  for (const mark of marks) {
    for (const line of new Set([mark.start.line, mark.end.line])) wanted.set(line, [...(wanted.get(line) ?? []), mark])
  }
  const numbers = [...wanted.keys()].sort((a, b) => a - b)
  const texts = linesOf(source, numbers)
  const bar = frame.style('blue', '│')
  const out: string[] = []
  let last: number | undefined
  for (const number of numbers) {
    if (last !== undefined && number === last + 2)
      out.push(numbered(last + 1, clip(displayAround(texts.get(last + 1) ?? '', 0), [], frame).text))
    else if (last !== undefined && number > last + 1)
      out.push(`${' '.repeat(frame.gutter)} ${frame.style('blue', '·')}`)
    last = number
    const here = wanted.get(number) ?? []
    const first = Math.min(...here.map((mark) => (mark.start.line === number ? mark.start.column : 1)))
    const line = displayAround(texts.get(number) ?? '', first - 1)
    const pieces = here.map((mark) => pieceOf(mark, number, line))
    const clipped = clip(line, pieces, frame)
    out.push(numbered(number, clipped.text))
    for (const under of underlines(clipped.pieces, frame.style))
      out.push(`${' '.repeat(frame.gutter)} ${bar} ${under}`.trimEnd())
  }
  return out

  function numbered(number: number, text: string): string {
    return `${frame.style('blue', `${String(number).padStart(frame.gutter)}`)} ${bar} ${text}`.trimEnd()
  }
}

/** The wanted lines and the ones right after them, without splitting a whole file. */
function linesOf(source: Source, numbers: readonly number[]): ReadonlyMap<number, string> {
  const { text } = source
  const last = Math.max(...numbers) + 1
  const found = new Map<number, string>()
  let start = 0
  for (let number = 1; number <= last && start <= text.length; number++) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline
    if (numbers.includes(number) || numbers.includes(number - 1)) {
      const from = number === 1 && text.charCodeAt(0) === 0xfeff ? 1 : start
      found.set(number, text.slice(from, end).replace(/\r$/, ''))
    }
    start = end + 1
  }
  return found
}

function pieceOf(mark: Mark, number: number, line: LineWindow): Piece {
  const at = (column: number) => columnAt(line, Math.max(0, column - 1 - line.skipped))
  const opens = mark.start.line < mark.end.line && number === mark.start.line
  const continues = mark.start.line < mark.end.line && number === mark.end.line
  const indent = line.cells.find((cell) => cell.text.trim() !== '')?.column ?? 0
  const from = continues ? Math.min(indent, at(Math.max(1, mark.end.column - 1))) : at(mark.start.column)
  const to = opens ? Math.max(line.width, from + 1) : at(mark.end.column)
  return { from, to: Math.max(to, from + 1), text: opens ? '' : mark.text, style: mark.style, open: opens }
}

/** Cuts a long line down to a window round its marks. */
function clip(
  line: LineWindow,
  pieces: readonly Piece[],
  { gutter, width }: Frame,
): { readonly text: string; readonly pieces: readonly Piece[] } {
  const room = Math.max(40, width - gutter - 3)
  const whole = () => line.cells.map((cell) => cell.text).join('')
  if (line.width <= room && line.skipped === 0 && !line.cutAfter) return { text: whole(), pieces }
  const first = Math.min(...pieces.map((piece) => piece.from), line.width)
  const start = pieces.length === 0 || first < room * 0.75 ? 0 : Math.max(0, first - Math.floor(room / 3))
  const stop = start + room - 2
  const shown = line.cells.filter((cell) => cell.column >= start && cell.column + cell.width <= stop)
  const left = start > 0 || line.skipped > 0 ? '…' : ''
  const shift = start - left.length
  const right = stop < line.width || line.cutAfter ? '…' : ''
  const end = stop - shift
  return {
    text: `${left}${shown.map((cell) => cell.text).join('')}${right}`,
    pieces: pieces.map((piece) => {
      const from = Math.min(Math.max(left.length, piece.from - shift), end)
      return { ...piece, from, to: Math.max(from + 1, Math.min(piece.to - shift, end)) }
    }),
  }
}

/**
 * The lines below a source line. The rightmost label's text stands behind its underline; the others hang below theirs,
 * from right to left, so that no stem crosses a text.
 */
function underlines(pieces: readonly Piece[], style: Style): string[] {
  if (pieces.length === 0) return []
  const sorted = [...pieces].sort((a, b) => a.from - b.from || a.to - b.to)
  const last = sorted.at(-1) as Piece
  // A text may stand behind only where no other underline reaches further right.
  const inline = last.text !== '' && sorted.every((piece) => piece === last || piece.to <= last.from) ? last : undefined
  const hanging = sorted.filter((piece) => piece !== inline && piece.text !== '')
  const stemOf = (piece: Piece) => piece.from + (piece === inline ? Math.floor((piece.to - piece.from) / 3) : 0)

  const row = new Canvas()
  // Wider underlines first, so that a narrower one inside stays visible.
  for (const piece of [...sorted].sort((a, b) => b.to - b.from - (a.to - a.from))) {
    row.put(piece.from, '─'.repeat(piece.to - piece.from), piece.style)
    if (piece.open) row.put(piece.to, '╌', piece.style)
    if (piece.text !== '') row.put(stemOf(piece), '┬', piece.style)
  }
  if (inline) row.put(inline.to + 1, printable(inline.text), inline.style)
  const rows = [row.toString(style)]
  for (let i = hanging.length - 1; i >= 0; i--) {
    const piece = hanging[i] as Piece
    const below = new Canvas()
    for (const earlier of hanging.slice(0, i)) below.put(stemOf(earlier), '│', earlier.style)
    below.put(stemOf(piece), '└', piece.style)
    below.put(stemOf(piece) + 2, printable(piece.text), piece.style)
    rows.push(below.toString(style))
  }
  return rows
}

/** One line of characters, each with a style. */
class Canvas {
  readonly #cells: { text: string; style: string }[] = []

  put(column: number, text: string, style: string): void {
    let at = column
    while (this.#cells.length < at) this.#cells.push({ text: ' ', style: '' })
    for (const character of text) this.#cells[at++] = { text: character, style }
  }

  toString(style: Style): string {
    let out = ''
    for (let i = 0; i < this.#cells.length; ) {
      const kind = this.#cells[i]?.style ?? ''
      let run = ''
      for (; i < this.#cells.length && (this.#cells[i]?.style ?? '') === kind; i++) run += this.#cells[i]?.text ?? ' '
      out += kind === '' ? run : style(kind, run)
    }
    return out
  }
}
