/** Items between commas up to a closing bracket; a comma after the last is fine, a missing one is said and supplied. */
import type { Cursor } from './cursor.ts'
import type { Construct } from './fault.ts'
import { beginsExpression } from './operators.ts'
import type { Span } from './source.ts'
import type { TokenType } from './tokens.ts'

/** Reads the items and the closer; the opener was taken. */
export function separated<T>(
  cursor: Cursor,
  closer: TokenType,
  construct: Construct,
  opener: Span,
  item: () => T,
): readonly T[] {
  const items: T[] = []
  const skipLines = closer === '}'
  for (;;) {
    if (skipLines) while (cursor.is('newline')) cursor.next()
    if (cursor.is(closer) || cursor.is('end')) break
    const before = cursor.index
    items.push(item())
    if (skipLines) while (cursor.is('newline')) cursor.next()
    if (cursor.is(closer)) break
    if (cursor.take(',')) continue
    cursor.unexpected(['`,`', `\`${closer}\``], construct, opener)
    // `f(a b)`: what stands there can be the next item, so only the comma is missing.
    if (cursor.index > before && beginsExpression(cursor.peek().type)) continue
    cursor.skipTo(',')
    if (!cursor.take(',')) break
  }
  cursor.expect(closer, construct, opener)
  return items
}
