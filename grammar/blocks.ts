/** `data`, `train` and `test` declarations: blocks of fields, settings and statements. */
import type {
  DataDeclaration,
  DataMember,
  Expression,
  Field,
  Setting,
  SettingOverride,
  TestDeclaration,
  TrainDeclaration,
} from './ast.ts'
import { braced } from './braces.ts'
import type { Cursor } from './cursor.ts'
import { stringLiteral } from './declarations.ts'
import { expression } from './expressions.ts'
import type { Construct } from './fault.ts'
import { block } from './statements.ts'

export function dataDeclaration(cursor: Cursor): DataDeclaration | undefined {
  const start = cursor.next()
  const name = cursor.name('data')
  const members = braced(cursor, 'data', (): DataMember | undefined => {
    const first = cursor.peek()
    const member = cursor.name('data', 'the name of a partition or a binding')
    if (member === undefined) return skipped(cursor)
    if (cursor.is('{')) {
      const fields = braced(cursor, 'partition', () => field(cursor))
      return { kind: 'partition', name: member, fields, span: cursor.span(first) }
    }
    if (!cursor.take('=')) {
      cursor.unexpected(['`{`', '`=`'], 'data')
      return skipped(cursor)
    }
    const value = expression(cursor, 'field')
    return { kind: 'binding', name: member, value, span: cursor.span(first) }
  })
  return name && { kind: 'data', name, members, documentation: start.documentation, span: cursor.span(start) }
}

function field(cursor: Cursor): Field | undefined {
  const start = cursor.peek()
  const name = cursor.name('field', 'the name of a field')
  if (name === undefined) return skipped(cursor)
  cursor.expect('=', 'field')
  const value = expression(cursor, 'field')
  return { name, value, span: cursor.span(start) }
}

export function trainDeclaration(cursor: Cursor): TrainDeclaration {
  const start = cursor.next()
  const name = cursor.is('name') ? cursor.name('train') : undefined
  const settings = braced(cursor, 'train', () => setting(cursor))
  return { kind: 'train', name, settings, documentation: start.documentation, span: cursor.span(start) }
}

function setting(cursor: Cursor): Setting | undefined {
  const start = cursor.peek()
  const name = cursor.name('setting', 'the name of a setting')
  if (name === undefined) return skipped(cursor)
  cursor.expect(':', 'setting')
  const values = list(cursor, 'setting')
  const except = cursor.takeWord('except') ? list(cursor, 'setting') : []
  const overrides = cursor.is('{') ? braces(cursor) : []
  return { name, values, except, overrides, span: cursor.span(start) }
}

/** One expression, or several with commas between. */
function list(cursor: Cursor, construct: Construct): readonly Expression[] {
  const values = [expression(cursor, construct)]
  while (cursor.take(',')) values.push(expression(cursor, construct))
  return values
}

/** `{ "classifier.*": lr 1e-2, weight_decay 0 }`: a comma between changes, a comma or a line end between patterns. */
function braces(cursor: Cursor): readonly SettingOverride[] {
  return braced(
    cursor,
    'overrides',
    () => {
      const start = cursor.peek()
      const pattern = stringLiteral(cursor, 'overrides')
      if (pattern === undefined) return skipped(cursor)
      cursor.expect(':', 'overrides')
      const changes: SettingOverride['changes'][number][] = []
      do {
        const name = cursor.name('overrides', 'the name of a setting')
        if (name === undefined) break
        changes.push({ name, value: expression(cursor, 'overrides') })
      } while (cursor.is(',') && cursor.is('name', 1) && cursor.next())
      return { pattern, changes, span: cursor.span(start) }
    },
    true,
  )
}

export function testDeclaration(cursor: Cursor): TestDeclaration | undefined {
  const start = cursor.next()
  const title = stringLiteral(cursor, 'test')
  const body = block(cursor, 'test')
  return title && { kind: 'test', title, body, documentation: start.documentation, span: cursor.span(start) }
}

function skipped(cursor: Cursor): undefined {
  cursor.skipTo('newline', ';')
  return undefined
}
