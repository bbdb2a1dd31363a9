/**
 * Text → syntax tree. Whatever the text, this returns: a tree of what could be read, and the faults in their order.
 *
 * Written by hand, by recursive descent over a token stream whose brackets were balanced beforehand (`layout.ts`), so
 * that every recovery stays inside its group; the depth of brackets and the height of expressions are limited, so that
 * neither this parser nor a visitor after it can run out of stack.
 */
import type { Declaration, File } from './ast.ts'
import { Cursor } from './cursor.ts'
import { declaration } from './declarations.ts'
import type { SyntaxFault } from './fault.ts'
import { limits } from './fault.ts'
import { layOut } from './layout.ts'
import type { Source, Span } from './source.ts'
import { tokenize } from './tokens.ts'

export interface Parsed {
  readonly file: File
  /** None for a well-formed file. `compiler/diagnostics/syntax.ts` words them. */
  readonly faults: readonly SyntaxFault[]
}

/** `part`: of the declarations within alone, which begins and ends with a line. */
export function parse(source: Source, part?: Omit<Span, 'source'>): Parsed {
  const whole = { source, start: 0, end: source.text.length }
  const nothing: File = { declarations: [], span: whole }
  if (source.text.length > limits.text) {
    return {
      file: nothing,
      faults: [{ kind: 'too-long', span: { ...whole, end: 0 }, limit: limits.text, length: source.text.length }],
    }
  }
  const lexed = tokenize(source, part)
  const layout = layOut(source, lexed.tokens)
  if (!layout.parsable) return { file: nothing, faults: inOrder([...lexed.faults, ...layout.faults], whole) }
  const cursor = new Cursor(source, layout)
  const declarations = file(cursor)
  const consequences = onLinesOf(source, layout.faults)
  const own = cursor.faults.filter((fault) => !consequences(fault))
  return { file: { declarations, span: whole }, faults: inOrder([...lexed.faults, ...layout.faults, ...own], whole) }
}

/** Where a bracket is wrong, whatever else is not understood on that line most likely follows from it. */
function onLinesOf(source: Source, brackets: readonly SyntaxFault[]): (fault: SyntaxFault) => boolean {
  const { text } = source
  const lineAt = (offset: number): readonly [number, number] => {
    const start =
      offset === 0 ? 0 : Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1)) + 1
    const ends = [text.indexOf('\n', offset), text.indexOf('\r', offset)].filter((end) => end !== -1)
    return [start, ends.length === 0 ? text.length : Math.min(...ends)]
  }
  const lines = brackets
    .slice(0, limits.faults)
    .flatMap((fault) => [
      lineAt(fault.span.start),
      ...(fault.kind === 'unclosed' ? [lineAt(fault.insertAt.start)] : []),
    ])
  return ({ kind, span }) =>
    kind === 'unexpected' && lines.some(([start, end]) => span.start >= start && span.start <= end)
}

function file(cursor: Cursor): readonly Declaration[] {
  const declarations: Declaration[] = []
  for (cursor.skipSeparators(); !cursor.is('end'); cursor.skipSeparators()) {
    const before = cursor.index
    const read = declaration(cursor)
    if (read !== undefined) declarations.push(read)
    if (!cursor.is('newline') && !cursor.is(';') && !cursor.is('end')) {
      cursor.unexpected(['a new line'], 'file')
      cursor.skipTo('newline', ';')
    }
    if (cursor.index === before) cursor.next()
  }
  return declarations
}

function inOrder(faults: SyntaxFault[], whole: File['span']): readonly SyntaxFault[] {
  const sorted = faults.sort((a, b) => a.span.start - b.span.start)
  if (sorted.length < limits.faults) return sorted
  const kept = sorted.slice(0, limits.faults - 1)
  const last = kept.at(-1)?.span ?? whole
  return [...kept, { kind: 'too-many', span: { ...last, start: last.end }, limit: limits.faults }]
}
