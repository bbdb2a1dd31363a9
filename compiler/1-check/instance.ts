/**
 * Layers. A blueprint is a recipe (`Linear(10)`, `chain { … }`, `Block(8) * 6`); an instance is one layer made from it:
 * it has a path, owns its parameters and states, and shares them between all its calls.
 */
import type { ModuleDeclaration, Stage } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { Initializer } from '../../runtime/abi.ts'
import type { DType, Node } from '../ir/graph.ts'
import type { Scope } from './scope.ts'
import type { Value } from './value.ts'

export type Blueprint =
  | {
      readonly kind: 'module'
      readonly label: string
      readonly span: Span
      readonly declaration: ModuleDeclaration
      readonly scope: Scope
      readonly arguments: ReadonlyMap<string, BoundArgument>
    }
  | {
      readonly kind: 'chain'
      readonly label: string
      readonly span: Span
      readonly stages: readonly Stage[]
      readonly scope: Scope
    }
  | {
      readonly kind: 'stack'
      readonly label: string
      readonly span: Span
      readonly of: Blueprint
      readonly count: number
    }

export interface BoundArgument {
  readonly value: Value
  /** Where the value was written: the call's argument, or the default. */
  readonly span: Span
}

export interface Instance {
  readonly path: string
  readonly blueprint: Blueprint
  readonly span: Span
  readonly children: Map<string, Instance>
  /** Of a stack whose layers are run as one: what stood for all of them, call by call. */
  readonly templates: Instance[]
  readonly parameters: Map<string, Variable>
  readonly states: Map<string, State>
  /** The scope after the module's members ran; they run once, when the instance is made. */
  scope: Scope | undefined
  /** Its members asked whether it is training. */
  asksTraining: boolean
  /** Its members had a fault, which has been reported: its calls say nothing more. */
  faulty: boolean
  /** Results of the first call, for the table of layers. */
  results: readonly Node[] | undefined
}

export interface Variable {
  readonly path: string
  /** The tensor, or in a stack whose layers are run as one a layer's part of `leaf`. */
  readonly node: Node
  readonly leaf: Node
  /** Layers of the stacks around that are run as one, outermost first: the leaf has these axes before its own. */
  readonly layers: readonly number[]
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly initial: Initializer
  readonly span: Span
}
export interface State extends Variable {
  /** What the name means now: the leaf, or the value that `next` gave it. */
  current: Node
  next: Node | undefined
}

/** `batch_norm2d` of `BatchNorm2d`: how an anonymous layer of a kind is named, before its number. */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}

export const childPath = (parent: string, name: string): string => (parent === '' ? name : `${parent}.${name}`)

export function makeInstance(path: string, blueprint: Blueprint, span: Span): Instance {
  return {
    path,
    blueprint,
    span,
    children: new Map(),
    templates: [],
    parameters: new Map(),
    states: new Map(),
    scope: undefined,
    asksTraining: false,
    faulty: false,
    results: undefined,
  }
}
