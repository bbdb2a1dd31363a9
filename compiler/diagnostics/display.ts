/** How wide a text is on a terminal, and how it is shown so that nothing in it can move the cursor or turn the line round. */

const unprintable =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const unprintableButNewline = new RegExp(
  unprintable.source.replace('\\u0000-\\u001f', '\\u0000-\\u0009\\u000b-\\u001f'),
  'g',
)

/** Control characters as `\u{1b}`, so that a hostile name cannot colour, hide or reorder what is said about it. */
export function printable(text: string, keepNewlines = false): string {
  return text.replace(
    keepNewlines ? unprintableButNewline : unprintable,
    (c) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`,
  )
}

const tabStop = 4
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u
const zeroWidth = /\p{Mn}|\p{Me}/u

export interface DisplayLine {
  /** One entry a code point: what is printed, and how many columns it takes. */
  readonly cells: readonly {
    readonly text: string
    readonly width: number
    readonly offset: number
    readonly column: number
  }[]
  readonly width: number
}

/** A source line as cells: tabs widened, wide characters counted twice, what cannot be printed replaced. */
export function display(line: string): DisplayLine {
  const cells: { text: string; width: number; offset: number; column: number }[] = []
  let column = 0
  let offset = 0
  for (const character of line) {
    let text = character
    let width = 1
    if (character === '\t') {
      width = tabStop - (column % tabStop)
      text = ' '.repeat(width)
    } else if (printable(character) !== character) text = '�'
    else if (zeroWidth.test(character)) width = 0
    else if (wide.test(character) && character > '\u00ff') width = 2
    cells.push({ text, width, offset, column })
    column += width
    offset += character.length
  }
  return { cells, width: column }
}

/** The column at which an offset of the line is shown. */
export function columnAt(line: DisplayLine, offset: number): number {
  return line.cells.find((cell) => cell.offset >= offset)?.column ?? line.width
}

/** Characters of a line that are looked at: a line of a mebibyte is cut before anything is measured. */
const before = 400
const after = 800

export interface LineWindow extends DisplayLine {
  /** How many characters of the line were left out before it, and whether some were after it. */
  readonly skipped: number
  readonly cutAfter: boolean
}

export function displayAround(line: string, offset: number): LineWindow {
  let skipped = offset > before * 2 ? offset - before : 0
  let end = Math.min(line.length, skipped + before + after)
  if (isLow(line, skipped)) skipped--
  if (isLow(line, end)) end--
  return { ...display(line.slice(skipped, end)), skipped, cutAfter: end < line.length }
}

const isLow = (line: string, at: number) => line.charCodeAt(at) >= 0xdc00 && line.charCodeAt(at) <= 0xdfff && at > 0
