/** Strings and numbers: what they stand for, and what can be wrong in how they are written. */
import { bidirectional, control, loneSurrogate } from './characters.ts'
import type { SyntaxFault } from './fault.ts'
import type { Span } from './source.ts'

export function stringFaults(
  literal: string,
  start: number,
  span: (a: number, b: number) => Span,
  faults: SyntaxFault[],
): void {
  const quote = literal[0] as string
  const closer = quote === '“' ? '”' : quote
  if (quote !== '"') faults.push({ kind: 'quote', span: span(start, start + literal.length) })
  let closed = false
  for (let i = 1; i < literal.length; i++) {
    const character = literal[i] as string
    if (character === closer) closed = true
    if (bidirectional.test(character) || (control.test(character) && character !== '\ufeff')) {
      faults.push({
        kind: 'control-character',
        span: span(start + i, start + i + 1),
        codePoint: character.charCodeAt(0),
        bidirectional: bidirectional.test(character),
      })
    }
    if (character !== '\\') continue
    const escaped = /\\(?:["'\\nrt]|u\{[0-9a-fA-F]{1,6}\})/y
    escaped.lastIndex = i
    const known = escaped.exec(literal)?.[0]
    if (known === undefined || (known.startsWith('\\u') && Number.parseInt(known.slice(3, -1), 16) > 0x10ffff)) {
      faults.push({
        kind: 'escape',
        span: span(start + i, Math.min(start + i + 2, start + literal.length)),
        escape: literal.slice(i, i + 2),
      })
    }
    i += (known?.length ?? 2) - 1
  }
  const surrogate = loneSurrogate(literal)
  if (surrogate !== -1) faults.push({ kind: 'surrogate', span: span(start + surrogate, start + surrogate + 1) })
  if (!closed) faults.push({ kind: 'unterminated-string', span: span(start, start + literal.length) })
}

/** The value of a string literal as written, quotes included. */
export function stringValue(literal: string): string {
  const closed = literal.length > 1 && literal.endsWith(literal[0] === '“' ? '”' : (literal[0] as string))
  const inner = literal.slice(1, closed ? -1 : undefined)
  return inner.replace(
    /\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))/g,
    (_, hex: string | undefined, plain: string | undefined) => {
      if (hex !== undefined) {
        const codePoint = Number.parseInt(hex, 16)
        return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : ''
      }
      return plain === 'n' ? '\n' : plain === 't' ? '\t' : plain === 'r' ? '\r' : (plain ?? '')
    },
  )
}

export function numberValue(text: string): { readonly value: number; readonly integer: boolean } {
  return { value: Number(text.replaceAll('_', '')), integer: /^[\d_]+$/.test(text) }
}

type NumberFault = {
  readonly reason: 'point' | 'suffix' | 'inexact' | 'overflow' | 'base'
  readonly extra: number
  readonly instead: string | undefined
}

export function numberFault(number: string, suffix: string, range: boolean): NumberFault | undefined {
  if (number === '0' && /^[xXbBoO]/.test(suffix)) {
    const value = Number(number + suffix.replaceAll('_', ''))
    return { reason: 'base', extra: suffix.length, instead: Number.isSafeInteger(value) ? String(value) : undefined }
  }
  if (suffix === '.' && !range) return { reason: 'point', extra: 1, instead: `${number}.0` }
  if (suffix !== '' && !suffix.startsWith('.')) return { reason: 'suffix', extra: suffix.length, instead: number }
  const { value, integer } = numberValue(number)
  if (integer && !Number.isSafeInteger(value)) return { reason: 'inexact', extra: 0, instead: undefined }
  if (!Number.isFinite(value)) return { reason: 'overflow', extra: 0, instead: undefined }
  return undefined
}
