/**
 * What an expression stands for while a program is elaborated. Everything is static except a `tensor`, which is a node
 * of the graph being built. `poison` stands for a value whose fault was already reported: whoever meets it stays silent.
 */
import type {
  Argument,
  FunctionDeclaration,
  FunctionExpression,
  ModelDeclaration,
  ModuleDeclaration,
} from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { Initializer } from '../../runtime/abi.ts'
import type { Dim } from '../ir/dim.ts'
import { dim as constantDim } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import type { StaticValue } from '../program.ts'
import type { Builtin } from './builtins/builtin.ts'
import type { Blueprint, Instance } from './instance.ts'
import type { Scope } from './scope.ts'

export type Value =
  /** A static number; `integer` says whether it was computed from whole numbers only, and so may be a size or an int. */
  | { readonly kind: 'number'; readonly value: number; readonly integer: boolean }
  /** A size that depends on free dims; a constant one is always a `number`. */
  | { readonly kind: 'dim'; readonly dim: Dim }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'none' }
  /** `size` counts the items of inner lists too: lists are shared, so walking one that doubles 40 times would not end. */
  | { readonly kind: 'list'; readonly items: readonly Value[]; readonly size: number }
  | { readonly kind: 'range'; readonly start: Dim; readonly stop: Dim }
  | { readonly kind: 'tuple'; readonly parts: readonly { readonly name: string | undefined; readonly value: Value }[] }
  | { readonly kind: 'tensor'; readonly node: Node }
  | { readonly kind: 'function'; readonly declaration: FunctionDeclaration; readonly scope: Scope }
  | { readonly kind: 'lambda'; readonly expression: FunctionExpression; readonly scope: Scope }
  | { readonly kind: 'builtin'; readonly builtin: Builtin }
  /** A module's constructor, before it has its hyperparameters. */
  | { readonly kind: 'module'; readonly declaration: ModuleDeclaration; readonly scope: Scope }
  /** With hyperparameters where it was written as a call. */
  | {
      readonly kind: 'model'
      readonly declaration: ModelDeclaration
      readonly scope: Scope
      readonly arguments?: ReadonlyMap<string, StaticValue>
    }
  /** A layer's recipe: a module with its hyperparameters, a chain or a stack, not yet given a name. */
  | { readonly kind: 'blueprint'; readonly blueprint: Blueprint }
  | { readonly kind: 'layer'; readonly instance: Instance }
  /** How a parameter gets its first value: `uniform(0.1)`. */
  | { readonly kind: 'initializer'; readonly initializer: Initializer }
  | { readonly kind: 'poison' }

export type ValueOf<Kind extends Value['kind']> = Extract<Value, { kind: Kind }>

/** An argument after evaluation. */
export interface Given {
  readonly name: Argument['name']
  readonly value: Value
  readonly span: Span
}

export const poison: Value = { kind: 'poison' }
export const none: Value = { kind: 'none' }
export const bool = (value: boolean): Value => ({ kind: 'bool', value })
export const string = (value: string): Value => ({ kind: 'string', value })
export const number = (value: number, integer = Number.isSafeInteger(value)): Value => ({
  kind: 'number',
  value,
  integer,
})
export const list = (items: readonly Value[]): Value => ({
  kind: 'list',
  items,
  size: items.reduce((sum, item) => sum + listSize(item), 0),
})
export const listSize = (value: Value): number => (value.kind === 'list' ? value.size : 1)
export const tensor = (node: Node): Value => ({ kind: 'tensor', node })
export const dimValue = (dim: Dim): Value =>
  dim.constant === undefined ? { kind: 'dim', dim } : number(dim.constant, true)
export const dimList = (dims: readonly Dim[]): Value => list(dims.map(dimValue))

/** A dim as the language writes it: the algebra's normal form prints a floor division as `//`. */
export const dimText = (dim: Dim): string => dim.key.replaceAll(' // ', ' div ')

const callable: ReadonlySet<Value['kind']> = new Set([
  'function',
  'lambda',
  'builtin',
  'module',
  'model',
  'blueprint',
  'layer',
] as const)
/** Whether a value can be applied to arguments. */
export const isCallable = (value: Value): boolean => callable.has(value.kind)

/** The size a static value can be used as. */
export function asDim(value: Value): Dim | undefined {
  if (value.kind === 'dim') return value.dim
  return value.kind === 'number' && Number.isSafeInteger(value.value) ? constantDim(value.value) : undefined
}

/** A value in the words a diagnostic uses: `float[B, T, 512]`, `an int`, `the module Linear`. */
export function describe(value: Value): string {
  switch (value.kind) {
    case 'number':
      return value.integer ? `the int ${value.value}` : `the float ${printNumber(value.value)}`
    case 'dim':
      return `the dim ${dimText(value.dim)}`
    case 'bool':
      return `the bool ${value.value}`
    case 'string':
      return `the string ${JSON.stringify(value.value)}`
    case 'none':
      return 'none'
    case 'list':
      return `a list of ${value.items.length}`
    case 'range':
      return `the range ${dimText(value.start)}..${dimText(value.stop)}`
    case 'tuple':
      return `a tuple of ${value.parts.length}`
    case 'tensor':
      return typeText(value.node)
    case 'function':
      return `the function ${value.declaration.name.name}`
    case 'lambda':
      return 'a function'
    case 'builtin':
      return `the function ${value.builtin.name}`
    case 'module':
      return `the module ${value.declaration.name.name}`
    case 'model':
      return `the model ${value.declaration.name.name}`
    case 'blueprint':
      return `a layer ${value.blueprint.label}`
    case 'layer':
      return `the layer ${value.instance.path || value.instance.blueprint.label}`
    case 'initializer':
      return 'an initial value'
    case 'poison':
      return 'a faulty value'
    default:
      return value satisfies never
  }
}

export function typeText(type: { readonly dtype: DType; readonly shape: readonly Dim[] }): string {
  return `${type.dtype}[${type.shape.map((d) => dimText(d)).join(', ')}]`
}

export function printNumber(value: number): string {
  if (value === Infinity) return 'inf'
  if (value === -Infinity) return '-inf'
  return String(value)
}

/** A static value as it would be written, for lists and sides of comparisons. */
export function printValue(value: Value): string {
  switch (value.kind) {
    case 'number':
      return printNumber(value.value)
    case 'dim':
      return dimText(value.dim)
    case 'bool':
      return String(value.value)
    case 'string':
      return JSON.stringify(value.value)
    case 'list':
      return `[${value.items.map(printValue).join(', ')}]`
    default:
      return describe(value)
  }
}
