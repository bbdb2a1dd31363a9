/**
 * Diagnostic → the text that a person reads: headline, each source with its labelled lines, notes, help.
 *
 *     error[DLM0312]: these two shapes cannot be added
 *        ┌─ encoder.dlm:14:17
 *     14 │     let x = norm1(x + attention(x, x))
 *        │                   ┬   ─────┬───────── float[B, T, 256]
 *        │                   └ float[B, T, 512]
 *        = the last dim differs
 *        help: make `wo` a `Linear(dim)`
 */
import { position, type Source, type Span } from '../../grammar/source.ts'
import type { Diagnostic, Label, Severity } from './diagnostic.ts'
import { printable } from './display.ts'
import { type Mark, renderLines } from './snippet.ts'

/** Styles a text (`red`, `bold`, …); the command line passes Node's, a browser its own. */
export type Style = (style: string, text: string) => string

export interface RenderOptions {
  readonly style?: Style
  /** Columns to stay within where a source line is long. */
  readonly width?: number
}

const severityStyle: Record<Severity, string> = { error: 'red', warning: 'yellow', note: 'cyan' }

export function render(diagnostic: Diagnostic, { style = (_, text) => text, width = 120 }: RenderOptions = {}): string {
  const { severity, code, message, primary, secondary, notes, help } = diagnostic
  const accent = severityStyle[severity]
  const marks: Mark[] = [
    ...(primary ? [markOf(primary, accent)] : []),
    ...secondary.map((label) => markOf(label, 'cyan')),
  ]
  const gutter = Math.max(1, ...marks.map((mark) => String(mark.end.line).length))
  const pad = ' '.repeat(gutter)
  const lines = [`${style(accent, `${severity}[${code}]`)}${style('bold', `: ${printable(message)}`)}`]
  for (const [source, here] of bySource(marks)) {
    const { line, column } = (here[0] as Mark).start
    lines.push(`${pad} ${style('blue', '┌─')} ${printable(source.path)}:${line}:${column}`)
    lines.push(...renderLines(source, here, { gutter, style, width }))
  }
  const indent = marks.length > 0 ? `${pad} ` : '  '
  const hang = (lead: string, text: string) =>
    printable(text, true)
      .split('\n')
      .map((part, i) => `${indent}${i === 0 ? lead : ' '.repeat(lead.length)}${part}`)
  for (const note of notes) lines.push(...hang('= ', note))
  if (help)
    lines.push(
      ...hang('help: ', help.text).map((line, i) =>
        i === 0 ? line.replace('help:', () => style('green', 'help:')) : line,
      ),
    )
  return lines.join('\n')
}

function markOf(label: Label, style: string): Mark {
  const { source, start, end } = label.span
  return {
    source,
    text: label.text,
    style,
    start: position(source, start),
    end: position(source, Math.max(start, end)),
    empty: end <= start,
  }
}

/** The primary label's source first, then the others in the order in which they are mentioned. */
function bySource(marks: readonly Mark[]): ReadonlyMap<Source, readonly Mark[]> {
  const groups = new Map<Source, Mark[]>()
  for (const mark of marks) {
    const same = [...groups.keys()].find(
      (s) => s === mark.source || (s.path === mark.source.path && s.text === mark.source.text),
    )
    if (same) groups.get(same)?.push(mark)
    else groups.set(mark.source, [mark])
  }
  return groups
}

/** Plain data for `--json`: lines and columns count from 1, offsets from 0, in UTF-16 code units. */
export function toJson(diagnostic: Diagnostic): object {
  const place = (span: Span) => ({
    path: span.source.path,
    start: { ...position(span.source, span.start), offset: span.start },
    end: { ...position(span.source, span.end), offset: span.end },
  })
  const labelled = (label: Label) => ({ ...place(label.span), text: label.text })
  const { code, severity, message, primary, secondary, notes, help } = diagnostic
  return {
    code,
    severity,
    message,
    ...(primary && { primary: labelled(primary) }),
    secondary: secondary.map(labelled),
    notes,
    ...(help && {
      help: {
        text: help.text,
        ...(help.edit && { edit: { ...place(help.edit.span), replacement: help.edit.replacement } }),
      },
    }),
  }
}
