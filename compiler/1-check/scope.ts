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

/** Makes a binding when the name is first asked for. */
export type LaterBinding = () => Binding

export class Scope {
  readonly parent: Scope | undefined
  readonly #names = new Map<string, Binding | LaterBinding>()

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
  /** Declares a name whose binding is made when it is first looked up. */
  declareLater(name: string, make: LaterBinding): void {
    this.#names.set(name, make)
  }
  unbind(name: string): void {
    this.#names.delete(name)
  }
  has(name: string): boolean {
    return this.#names.has(name)
  }
  own(name: string): Binding | undefined {
    const found = this.#names.get(name)
    if (typeof found !== 'function') return found
    const made = found()
    this.#names.set(name, made)
    return made
  }
  find(name: string): Binding | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) {
      const found = scope.own(name)
      if (found) return found
    }
    return undefined
  }
  /** Everything of the name, innermost first. */
  findAll(name: string): readonly Binding[] {
    const found: Binding[] = []
    for (let scope: Scope | undefined = this; scope; scope = scope.parent)
      found.push(...(scope.has(name) ? [scope.own(name)!] : []))
    return found
  }
  /** The names of this scope alone. */
  names(): Iterable<string> {
    return this.#names.keys()
  }
  /** Every visible name, innermost first. */
  *visible(): Iterable<string> {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) yield* scope.#names.keys()
  }
}
