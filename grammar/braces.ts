/** `{ item ⏎ item; item }`: what stands between braces, one item a line or with `;` between. */
import { type Cursor, describe } from './cursor.ts'
import type { Construct } from './fault.ts'

/** `{ item ⏎ item; item }`: reads items until the brace closes, and goes on at the next line after a fault. A `comma` may part items too. */
export function braced<T>(
  cursor: Cursor,
  construct: Construct,
  item: () => T | undefined,
  comma = false,
): readonly T[] {
  const opener = cursor.expect('{', construct)
  if (opener.text === '') return []
  const items: T[] = []
  const next = () => {
    if (comma) cursor.take(',')
    cursor.skipSeparators()
  }
  for (cursor.skipSeparators(); !cursor.is('}') && !cursor.is('end'); next()) {
    const before = cursor.index
    const read = item()
    if (read !== undefined) items.push(read)
    if (!(comma && cursor.is(','))) endOfItem(cursor, construct)
    if (cursor.index === before) cursor.next()
  }
  cursor.expect('}', construct, cursor.span(opener, opener))
  return items
}

function endOfItem(cursor: Cursor, construct: Construct): void {
  if (cursor.is('newline') || cursor.is(';') || cursor.is('}') || cursor.is('end')) return
  cursor.unexpected([describe('newline'), '`;`'], construct)
  cursor.skipTo('newline', ';')
}
