/** Characters that a text may not hold, or only in comments: controls, direction marks, halves of characters, and all else that means nothing. */
import type { SyntaxFault } from './fault.ts'
import type { Span } from './source.ts'

export const bidirectional = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
export const control = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u2028\u2029\ufeff]/

const ours = /[\s\p{L}\p{N}_"'#&|!^()[\]{},;:.?=<>+\-*/%@~]/u

export function isOurs(text: string, at: number): boolean {
  const character = String.fromCodePoint(text.codePointAt(at) as number)
  return ours.test(character) && !control.test(character)
}

export function characterFault(run: string, span: Span): SyntaxFault {
  const codePoint = run.codePointAt(0) as number
  const first = String.fromCodePoint(codePoint)
  if (loneSurrogate(run) !== -1) return { kind: 'surrogate', span }
  if (bidirectional.test(run))
    return {
      kind: 'control-character',
      span,
      codePoint: (bidirectional.exec(run) as RegExpExecArray)[0].codePointAt(0) as number,
      bidirectional: true,
    }
  if (control.test(first)) return { kind: 'control-character', span, codePoint, bidirectional: false }
  return { kind: 'character', span, text: run }
}

export function loneSurrogate(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    const next = text.charCodeAt(i + 1)
    if (unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) i++
    else return i
  }
  return -1
}
