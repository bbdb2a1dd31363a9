/** A source text and the places in it. Everything a user wrote is later pointed at through a `Span`. */

export interface Source {
  /** The path as the user gave it (shown in diagnostics); `std/…` for the standard library. */
  readonly path: string
  readonly text: string
}

/** A half-open range of UTF-16 offsets `[start, end)` in a source. */
export interface Span {
  readonly source: Source
  readonly start: number
  readonly end: number
}

/** The smallest span that covers both; they must lie in one source. */
export function cover(a: Span, b: Span): Span {
  return { source: a.source, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) }
}

/** The 1-based line and column (UTF-16 code units) of an offset. */
export function position(source: Source, offset: number): { line: number; column: number } {
  let line = 1
  // A byte-order mark is no part of the first line.
  let begin = source.text.charCodeAt(0) === 0xfeff ? 1 : 0
  for (let at = source.text.indexOf('\n'); at !== -1 && at < offset; at = source.text.indexOf('\n', at + 1)) {
    line++
    begin = at + 1
  }
  return { line, column: Math.max(offset, begin) - begin + 1 }
}
