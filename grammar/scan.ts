/** `scan x_t in x along T reverse: reverse carry h: float[B, H] = zeros { … }` */
import type { Expression, Identifier, ScanStatement, Type } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { expression } from './expressions.ts'
import { block, nameless } from './statements.ts'
import { type } from './types.ts'

export function scan(cursor: Cursor): ScanStatement {
  const start = cursor.next()
  const inputs: { name: Identifier; value: Expression }[] = []
  if (!(cursor.isWord('along') && !cursor.is('in', 1))) {
    do {
      const name = cursor.name('scan') ?? nameless(cursor)
      cursor.expect('in', 'scan')
      inputs.push({ name, value: expression(cursor, 'scan') })
    } while (cursor.take(','))
  }
  const word = (text: string) => {
    let ahead = 0
    while (cursor.is('newline', ahead)) ahead++
    if (!cursor.isWord(text, ahead)) return false
    for (; ahead >= 0; ahead--) cursor.next()
    return true
  }
  let along: Expression
  let axis = false
  if (word('along')) {
    axis = cursor.isWord('axis') && cursor.is(':', 1)
    if (axis) {
      cursor.next()
      cursor.next()
    }
    along = expression(cursor, 'scan')
  } else {
    cursor.unexpected(['`along`'], 'scan')
    along = { kind: 'error', span: cursor.spanOfFound(cursor.peek()) }
  }
  let reverse: Expression | undefined
  if (word('reverse')) {
    cursor.expect(':', 'scan')
    reverse = expression(cursor, 'scan')
  }
  const carries: { name: Identifier; type: Type | undefined; initial: Expression }[] = []
  if (word('carry')) {
    do {
      const name = cursor.name('scan') ?? nameless(cursor)
      const declared = cursor.take(':') ? type(cursor) : undefined
      cursor.expect('=', 'scan')
      carries.push({ name, type: declared, initial: expression(cursor, 'scan') })
    } while (cursor.take(','))
  }
  // After a slip in the head, the body is where the next brace opens.
  if (cursor.silent) cursor.skipTo('{')
  const body = block(cursor, 'scan')
  return { kind: 'scan', inputs, along, axis, reverse, carries, body, span: cursor.span(start) }
}
