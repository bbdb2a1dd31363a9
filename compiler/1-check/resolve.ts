/**
 * Names in a file's declarations, looked up without elaborating: also what no model uses is checked, and a misspelt name
 * in a module is found once and not in each of its layers. What a static `if` decides is left to elaboration: a name
 * bound on any branch counts as bound.
 */
import type {
  Declaration,
  DimPattern,
  Expression,
  Parameter,
  ResultType,
  ScanStatement,
  Statement,
  Type,
} from '../../grammar/ast.ts'
import { report } from '../diagnostics/catalogue.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import type { Sink } from './elaboration.ts'
import type { LoadedFile } from './files.ts'
import { yieldsIn } from './scan.ts'
import { namesIn, parts } from './walk.ts'

/** Names visible at a place: the file's, and those of enclosing bodies. */
class Names {
  readonly parent: Names | undefined
  readonly has: (name: string) => boolean
  readonly #own = new Set<string>()
  constructor(parent: Names | undefined, outside: (name: string) => boolean = () => false) {
    this.parent = parent
    this.has = (name) => this.#own.has(name) || (parent ? parent.has(name) : outside(name))
  }
  add(name: string): void {
    this.#own.add(name)
  }
  *all(): Iterable<string> {
    yield* this.#own
    if (this.parent) yield* this.parent.all()
  }
}

export function resolveNames(file: LoadedFile, sink: Sink): void {
  const outside = new Names(undefined, (name) => file.scope.find(name) !== undefined)
  for (const declaration of file.file.declarations) declare(declaration)

  function declare(declaration: Declaration): void {
    const inner = new Names(outside)
    switch (declaration.kind) {
      case 'import':
      case 'data':
      case 'train':
        return
      case 'const':
        expression(declaration.value, inner)
        return
      case 'function':
        parameters(declaration.parameters, inner)
        result(declaration.result, inner)
        statements(declaration.body.statements, inner)
        return
      case 'module': {
        parameters(declaration.parameters, inner)
        statements(declaration.members, inner)
        const { forward } = declaration
        if (!forward) return
        const body = new Names(inner)
        parameters(forward.parameters, body)
        result(forward.result, body)
        statements(forward.body.statements, body)
        return
      }
      case 'model':
        parameters(declaration.parameters, inner)
        statements(declaration.members, inner)
        return
      case 'test':
        statements(declaration.body.statements, inner)
        return
      default:
        declaration satisfies never
    }
  }

  function parameters(list: readonly Parameter[], scope: Names): void {
    for (const parameter of list) {
      if (parameter.type) binding(parameter.type, scope)
      if (parameter.default) expression(parameter.default, scope)
      scope.add(parameter.name.name)
    }
  }
  /** Dim names of a signature are bound by it. */
  function binding(type: Type, scope: Names): void {
    for (const name of dimNames(type.dims)) if (!scope.has(name)) scope.add(name)
  }
  function result(type: ResultType | undefined, scope: Names): void {
    for (const part of type?.parts ?? []) binding(part.type, scope)
  }
  function using(type: Type, scope: Names): void {
    for (const pattern of type.dims ?? []) if (pattern.kind === 'dim') expression(pattern.value, scope)
  }

  function statements(list: readonly Statement[], scope: Names): void {
    for (const each of list) statement(each, scope)
  }

  function statement(each: Statement, scope: Names): void {
    switch (each.kind) {
      case 'let':
        expression(each.value, scope)
        if (each.type) binding(each.type, scope)
        for (const name of each.names) scope.add(name.name)
        return
      case 'layer':
        expression(each.value, scope)
        scope.add(each.name.name)
        return
      case 'param':
      case 'state':
        using(each.type, scope)
        expression(each.initial, scope)
        scope.add(each.name.name)
        return
      case 'input':
      case 'target':
        binding(each.type, scope)
        scope.add(each.name.name)
        return
      case 'output':
        expression(each.value, scope)
        if (each.type) binding(each.type, scope)
        scope.add(each.name.name)
        return
      case 'loss':
      case 'metric':
        expression(each.value, scope)
        if (each.name) scope.add(each.name.name)
        return
      case 'expose':
        if (each.value) expression(each.value, scope)
        else expression({ kind: 'name', name: each.name.name, span: each.name.span }, scope)
        scope.add(each.name.name)
        return
      case 'next':
        expression(each.value, scope)
        scope.add(each.name.name)
        return
      case 'yield':
        expression(each.value, scope)
        return
      case 'require':
      case 'expect':
        expression(each.condition, scope)
        if (each.message) expression(each.message, scope)
        if (each.kind === 'expect' && each.tolerance) expression(each.tolerance, scope)
        return
      case 'return':
      case 'expression':
        expression(each.value, scope)
        return
      case 'if':
        expression(each.condition, scope)
        statements(each.then.statements, scope)
        statements(each.else?.statements ?? [], scope)
        return
      case 'for':
        expression(each.range, scope)
        scope.add(each.name.name)
        statements(each.body.statements, scope)
        return
      case 'scan':
        for (const input of each.inputs) expression(input.value, scope)
        expression(each.along, scope)
        if (each.reverse) expression(each.reverse, scope)
        for (const carry of each.carries) {
          expression(carry.initial, scope)
          if (carry.type) binding(carry.type, scope)
        }
        scanBody(each, scope)
        for (const { name } of [...each.carries, ...yieldsIn(each.body.statements)]) scope.add(name.name)
        return
      default:
        each satisfies never
    }
  }

  function scanBody(scan: ScanStatement, scope: Names): void {
    const inner = new Names(scope)
    for (const { name } of [...scan.inputs, ...scan.carries]) inner.add(name.name)
    statements(scan.body.statements, inner)
  }

  function expression(root: Expression, scope: Names): void {
    const pending: { readonly at: Expression; readonly scope: Names }[] = [{ at: root, scope }]
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { at, scope: visible } = next
      if (at.kind === 'name') {
        if (visible.has(at.name)) continue
        sink.add(
          report(names.unknownName, {
            name: at.name,
            span: at.span,
            suggestion: sink.suggests ? nearest(at.name, [...visible.all(), ...file.scope.visible()]) : undefined,
          }),
        )
      } else if (at.kind === 'lambda') {
        const inner = new Names(visible)
        parameters(at.parameters, inner)
        pending.push({ at: at.body, scope: inner })
      } else for (const part of parts(at)) pending.push({ at: part, scope: visible })
    }
  }
}

function dimNames(dims: readonly DimPattern[] | undefined): Set<string> {
  return new Set((dims ?? []).flatMap((d) => (d.kind === 'dim' ? [...namesIn(d.value)] : [])))
}
