/**
 * Structures → text, laid out as ts-morph prints them and TypeScript's formatter leaves them, which a test holds it to. Written here
 * because loading TypeScript's nine megabytes takes longer than compiling most models.
 *
 * What a structure gives as text (types, values, statements) stands as it is given, but for its place within a function.
 */
import type {
  FunctionDeclarationStructure,
  ImportDeclarationStructure,
  InterfaceDeclarationStructure,
  OptionalKind,
  ParameterDeclarationStructure,
  PropertySignatureStructure,
  SourceFileStructure,
  StatementStructures,
  TypeAliasDeclarationStructure,
  VariableStatementStructure,
} from 'ts-morph'
import { kind } from './kinds.ts'

type Statement = string | StatementStructures

export function printStructure({ statements }: SourceFileStructure): string {
  const list = statements as readonly Statement[]
  let text = ''
  list.forEach((statement, at) => {
    if (at > 0) text += between(list[at - 1]!, statement)
    text += printStatement(statement)
  })
  return text.endsWith('\n') ? text : `${text}\n`
}

const isBlock = (statement: Statement): boolean =>
  typeof statement !== 'string' && (statement.kind === kind.Interface || statement.kind === kind.Function)
const isImport = (statement: Statement): boolean =>
  typeof statement !== 'string' && statement.kind === kind.ImportDeclaration

/** A line's end, and an empty line around blocks and after the imports. A text that ends a line has its own. */
function between(before: Statement, after: Statement): string {
  if (typeof before === 'string' && before.endsWith('\n')) return ''
  if (isBlock(before) || isBlock(after) || (isImport(before) && !isImport(after) && typeof after !== 'string'))
    return '\n\n'
  return '\n'
}

function printStatement(statement: Statement): string {
  if (typeof statement === 'string') return statement
  switch (statement.kind) {
    case kind.ImportDeclaration:
      return printImport(statement)
    case kind.Interface:
      return printInterface(statement)
    case kind.TypeAlias:
      return printTypeAlias(statement)
    case kind.VariableStatement:
      return printConstant(statement)
    case kind.Function:
      return printFunction(statement)
    default:
      throw new Error(`no text for a structure of kind ${statement.kind}`)
  }
}

function printImport({ namedImports, moduleSpecifier }: ImportDeclarationStructure): string {
  const names = (namedImports as readonly { readonly name: string; readonly isTypeOnly?: boolean }[]).map(
    ({ name, isTypeOnly }) => (isTypeOnly ? `type ${name}` : name),
  )
  return `import { ${names.join(', ')} } from '${moduleSpecifier}'`
}

function printInterface(structure: InterfaceDeclarationStructure): string {
  const parents = structure.extends as readonly string[] | undefined
  const heritage = parents && parents.length > 0 ? ` extends ${parents.join(', ')}` : ''
  const properties = (structure.properties ?? []).map((property) => `${indented(printProperty(property))}\n`)
  return `${docsOf(structure)}${exported(structure)}interface ${structure.name}${heritage} {\n${properties.join('')}}`
}

function printProperty(property: OptionalKind<PropertySignatureStructure>): string {
  const { name, isReadonly, hasQuestionToken, type } = property
  return `${docsOf(property)}${isReadonly ? 'readonly ' : ''}${name}${hasQuestionToken ? '?' : ''}: ${type}`
}

function printTypeAlias(structure: TypeAliasDeclarationStructure): string {
  const type = structure.type as string
  return `${docsOf(structure)}${exported(structure)}type ${structure.name} =${type.startsWith('\n') ? '' : ' '}${type}`
}

function printConstant(structure: VariableStatementStructure): string {
  const declarations = structure.declarations.map(
    ({ name, type, initializer }) => `${name}${type ? `: ${type}` : ''} = ${initializer}`,
  )
  return `${docsOf(structure)}${exported(structure)}const ${declarations.join(', ')}`
}

function printFunction(structure: FunctionDeclarationStructure): string {
  const parameters = (structure.parameters ?? []).map(printParameter).join(', ')
  const body = (structure.statements as readonly string[]).map((text) => `${indented(text)}\n`).join('')
  const head = `${exported(structure)}${structure.isAsync ? 'async ' : ''}function ${structure.name}(${parameters})`
  return `${docsOf(structure)}${head}: ${structure.returnType} {\n${body}}`
}

const printParameter = ({ name, type, initializer }: OptionalKind<ParameterDeclarationStructure>): string =>
  `${name}: ${type}${initializer === undefined ? '' : ` = ${initializer}`}`

const exported = ({ isExported }: { isExported?: boolean }): string => (isExported ? 'export ' : '')

/** One line in one line, several under a star each. */
function docsOf({ docs = [] }: { docs?: unknown[] }): string {
  return (docs as readonly string[]).map(printDoc).join('')
}
function printDoc(text: string): string {
  const lines = text.split('\n')
  if (lines.length === 1) return `/** ${text} */\n`
  return `/**\n${lines.map((line) => (line === '' ? ' *' : ` * ${line}`)).join('\n')}\n */\n`
}

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')
