/** What a file declares: imports, constants, functions, modules, models. Data, training and tests: `blocks.ts`. */
import type {
  ConstDeclaration,
  Declaration,
  ForwardDeclaration,
  FunctionDeclaration,
  Identifier,
  ImportDeclaration,
  ModelDeclaration,
  ModuleDeclaration,
  Statement,
  StringLiteral,
} from './ast.ts'
import { dataDeclaration, testDeclaration, trainDeclaration } from './blocks.ts'
import { braced } from './braces.ts'
import type { Cursor } from './cursor.ts'
import { expression } from './expressions.ts'
import type { Construct } from './fault.ts'
import { stringValue } from './literals.ts'
import { separated } from './separated.ts'
import { block, statement } from './statements.ts'
import { parameters, resultType, type } from './types.ts'

export const declarationWords = ['import', 'const', 'fn', 'module', 'model', 'data', 'train', 'test'] as const

/** The declaration ahead; undefined (and a fault) where none begins, with everything up to the next line skipped. */
export function declaration(cursor: Cursor): Declaration | undefined {
  const start = cursor.peek()
  if (start.type === 'name') {
    switch (start.text) {
      case 'import':
        return importDeclaration(cursor)
      case 'const':
        return constDeclaration(cursor)
      case 'fn':
        return functionDeclaration(cursor)
      case 'module':
        return moduleDeclaration(cursor)
      case 'model':
        return modelDeclaration(cursor)
      case 'data':
        return dataDeclaration(cursor)
      case 'train':
        return trainDeclaration(cursor)
      case 'test':
        return testDeclaration(cursor)
      default:
        cursor.fault({
          kind: 'unknown-declaration',
          span: cursor.span(start, start),
          word: start.text,
          known: declarationWords,
        })
    }
  } else if (start.text === 'let') {
    cursor.fault({ kind: 'unknown-declaration', span: cursor.span(start, start), word: 'let', known: declarationWords })
  } else cursor.unexpected(['a declaration'], 'file')
  cursor.skipTo('newline', ';')
  return undefined
}

function importDeclaration(cursor: Cursor): ImportDeclaration | undefined {
  const start = cursor.next()
  let names: ImportDeclaration['names']
  if (cursor.is('{')) {
    const opener = cursor.next()
    const read = separated(cursor, '}', 'import', cursor.span(opener, opener), () => {
      const name = cursor.name('import')
      if (name === undefined) {
        cursor.skipTo(',')
        return undefined
      }
      return { name, alias: cursor.takeWord('as') ? cursor.name('import') : undefined }
    })
    names = read.filter((name) => name !== undefined)
    if (!cursor.takeWord('from')) cursor.unexpected(['`from`'], 'import')
  }
  const path = stringLiteral(cursor, 'import')
  return path && { kind: 'import', names, path, documentation: start.documentation, span: cursor.span(start) }
}

export function stringLiteral(cursor: Cursor, construct: Construct): StringLiteral | undefined {
  const token = cursor.take('string')
  if (token !== undefined) return { kind: 'string', value: stringValue(token.text), span: cursor.span(token, token) }
  cursor.unexpected(['a string'], construct)
  return undefined
}

function constDeclaration(cursor: Cursor): ConstDeclaration | undefined {
  const start = cursor.next()
  const name = cursor.name('const')
  const declared = cursor.take(':') ? type(cursor) : undefined
  cursor.expect('=', 'const')
  const value = expression(cursor, 'const')
  return (
    name && { kind: 'const', name, type: declared, value, documentation: start.documentation, span: cursor.span(start) }
  )
}

function functionDeclaration(cursor: Cursor): FunctionDeclaration | undefined {
  const start = cursor.next()
  const name = cursor.name('fn')
  const signature = parameters(cursor)
  const result = cursor.take('->') ? resultType(cursor) : undefined
  const body = block(cursor, 'fn')
  return (
    name && {
      kind: 'function',
      name,
      parameters: signature,
      result,
      body,
      documentation: start.documentation,
      span: cursor.span(start),
    }
  )
}

function moduleDeclaration(cursor: Cursor): ModuleDeclaration | undefined {
  const start = cursor.next()
  const name = cursor.name('module')
  const signature = cursor.is('(') ? parameters(cursor) : []
  const forwards: { forward: ForwardDeclaration; keyword: Identifier }[] = []
  const members: readonly Statement[] = braced(cursor, 'module', () => {
    if (!(cursor.isWord('forward') && cursor.is('(', 1))) return statement(cursor)
    const token = cursor.peek()
    forwards.push({
      forward: forwardDeclaration(cursor),
      keyword: { name: 'forward', span: cursor.span(token, token) },
    })
    const [first, ...more] = forwards
    if (first !== undefined && more.length > 0)
      cursor.report({ kind: 'second-forward', span: cursor.span(token, token), first: first.keyword.span })
    return undefined
  })
  return (
    name && {
      kind: 'module',
      name,
      parameters: signature,
      members,
      forward: forwards[0]?.forward,
      documentation: start.documentation,
      span: cursor.span(start),
    }
  )
}

function forwardDeclaration(cursor: Cursor): ForwardDeclaration {
  const start = cursor.next()
  const signature = parameters(cursor)
  const result = cursor.take('->') ? resultType(cursor) : undefined
  const body = block(cursor, 'forward')
  return { parameters: signature, result, body, documentation: start.documentation, span: cursor.span(start) }
}

function modelDeclaration(cursor: Cursor): ModelDeclaration | undefined {
  const start = cursor.next()
  const name = cursor.name('model')
  const signature = cursor.is('(') ? parameters(cursor) : []
  const members = braced(cursor, 'model', () => statement(cursor))
  return (
    name && {
      kind: 'model',
      name,
      parameters: signature,
      members,
      documentation: start.documentation,
      span: cursor.span(start),
    }
  )
}
