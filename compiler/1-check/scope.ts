/**
 * Names in scope. A scope is a chain of tables; the outermost are the prelude (builtins and the standard library) and
 * the file. A top-level declaration becomes a value when it is first asked for, so order in a file does not matter.
 */
import type { ConstDeclaration, Type } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { Value } from './value.ts'

export type Binding =
  | { readonly kind: 'value'; readonly value: Value; readonly span: Span | undefined; readonly type?: Type | undefined }
  /** A top-level constant, evaluated on first use. */
  | { readonly kind: 'constant'; readonly declaration: ConstDeclaration; readonly scope: Scope; state: ConstantState }

  /** The name `training`: what it is depends on what is being elaborated. */
  | { readonly kind: 'training' }

export type ConstantState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly value: Value }

export class Scope {
  readonly parent: Scope | undefined
  readonly #names = new Map<string, Binding>()

  constructor(parent: Scope | undefined) {
    this.parent = parent
  }

  /** `type` is the one it was declared with, if any. */
  bind(name: string, value: Value, span: Span | undefined, type?: Type): void {
    this.#names.set(name, { kind: 'value', value, span, type })
  }
  declare(name: string, binding: Binding): void {
    this.#names.set(name, binding)
  }
  unbind(name: string): void {
    this.#names.delete(name)
  }
  own(name: string): Binding | undefined {
    return this.#names.get(name)
  }
  find(name: string): Binding | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) {
      const found = scope.#names.get(name)
      if (found) return found
    }
    return undefined
  }
  /** Everything of the name, innermost first. */
  findAll(name: string): readonly Binding[] {
    const found: Binding[] = []
    for (let scope: Scope | undefined = this; scope; scope = scope.parent)
      found.push(...(scope.#names.has(name) ? [scope.#names.get(name)!] : []))
    return found
  }
  /** Every visible name, innermost first. */
  *visible(): Iterable<string> {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) yield* scope.#names.keys()
  }
}
