/** A file's declarations → names in a scope: its own, those it imports, and outside of both the prelude. */
import type { Declaration, File, ImportDeclaration } from '../../grammar/ast.ts'
import { parse } from '../../grammar/parser.ts'
import type { Source, Span } from '../../grammar/source.ts'
import { report } from '../diagnostics/catalogue.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import { syntaxDiagnostics } from '../diagnostics/syntax.ts'
import { stdSources } from '../std.generated.ts'
import { builtins } from './builtins/index.ts'
import type { Sink } from './elaboration.ts'
import { Scope } from './scope.ts'
import { number, string } from './value.ts'

/** Finds the file that an `import` names; `undefined` when there is none. */
export type Resolve = (path: string, from: Source) => Source | undefined

let shared: { readonly scope: Scope; readonly sources: ReadonlySet<Source> } | undefined

/** Builtin functions, a few names, and the standard library: made once, for all programs. */
export function prelude(): { readonly scope: Scope; readonly sources: ReadonlySet<Source> } {
  if (shared) return shared
  const outer = new Scope(undefined)
  for (const [name, builtin] of builtins) outer.bind(name, { kind: 'builtin', builtin }, undefined)
  outer.bind('inf', number(Infinity, false), undefined)
  outer.bind('pi', number(Math.PI, false), undefined)
  for (const word of ['same', 'valid']) outer.bind(word, string(word), undefined)
  outer.declare('training', { kind: 'training' })
  const scope = new Scope(outer)
  const sources = new Set<Source>()
  for (const [path, text] of stdSources) {
    const source = { path, text }
    const { file, faults } = parse(source)
    if (faults.length > 0) throw new Error(`${path}: ${syntaxDiagnostics(faults).map((d) => d.message).join('; ')}`)
    sources.add(source)
    for (const declaration of file.declarations) declare(declaration, scope)
  }
  return (shared = { scope, sources })
}

/** Binds what a declaration declares as a value; data, training and tests are no values. */
function declare(declaration: Declaration, scope: Scope): { readonly name: string; readonly span: Span } | undefined {
  switch (declaration.kind) {
    case 'const':
      scope.declare(declaration.name.name, { kind: 'constant', declaration, scope, state: { kind: 'waiting' } })
      return declaration.name
    case 'function':
    case 'module':
    case 'model':
      scope.bind(declaration.name.name, { kind: declaration.kind, declaration, scope } as never, declaration.name.span)
      return declaration.name
    case 'data':
      return declaration.name
    case 'train':
      return declaration.name
    case 'import':
    case 'test':
      return undefined
    default:
      return declaration satisfies never
  }
}

export interface LoadedFile {
  readonly source: Source
  readonly file: File
  readonly scope: Scope
}

/** Parses a file and all it imports. Scopes of imported files are not visible through others. */
export function loadFile(source: Source, resolve: Resolve, sink: Sink): LoadedFile {
  const loaded = new Map<string, LoadedFile>()
  const load = (from: Source, trail: readonly string[]): LoadedFile => {
    const { file, faults } = parse(from)
    for (const diagnostic of syntaxDiagnostics(faults)) sink.add(diagnostic)
    const imported = new Scope(prelude().scope)
    const scope = new Scope(imported)
    const result: LoadedFile = { source: from, file, scope }
    loaded.set(from.path, result)
    const first = new Map<string, Span>()
    for (const declaration of file.declarations) {
      const name = declarationName(declaration)
      const before = name && first.get(name.name)
      if (name && before) sink.add(report(names.declaredTwice, { span: name.span, name: name.name, what: declaration.kind === 'const' ? 'constant' : declaration.kind, first: before }))
      else {
        if (name) first.set(name.name, name.span)
        declare(declaration, scope)
      }
    }
    for (const declaration of file.declarations) if (declaration.kind === 'import') bring(declaration, from, imported, trail)
    return result
  }
  const bring = (declaration: ImportDeclaration, from: Source, into: Scope, trail: readonly string[]): void => {
    const { path } = declaration
    if (path.value.includes('\\') || path.value.startsWith('/') || /^[a-z]+:/i.test(path.value)) {
      sink.add(report(names.importForbidden, { span: path.span, reason: 'paths are relative, with `/` between folders' }))
      return
    }
    const target = resolve(path.value, from)
    if (!target) {
      sink.add(report(names.importMissing, { span: path.span, path: path.value }))
      return
    }
    if (trail.includes(target.path)) {
      sink.add(report(names.importCycle, { span: path.span, cycle: [...trail.slice(trail.indexOf(target.path)), target.path] }))
      return
    }
    const other = loaded.get(target.path) ?? load(target, [...trail, target.path])
    const offered = other.file.declarations.map(declarationName).filter((n) => n !== undefined).map((n) => n.name)
    const wanted = declaration.names ?? offered.map((name) => ({ name: { name, span: path.span }, alias: undefined }))
    for (const { name, alias } of wanted) {
      const found = other.scope.own(name.name)
      if (found) into.declare((alias ?? name).name, found)
      else if (declaration.names && !offered.includes(name.name))
        sink.add(report(names.importUnknown, { span: name.span, name: name.name, path: path.value, suggestion: nearest(name.name, offered) }))
    }
  }
  return load(source, [source.path])
}

const declarationName = (declaration: Declaration) => (declaration.kind === 'import' || declaration.kind === 'test' ? undefined : declaration.name)
