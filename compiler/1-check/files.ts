/** A file and all it imports: parsed, each with the scope of its own declarations, what it imports, and the prelude. */
import type { Declaration, File, ImportDeclaration } from '../../grammar/ast.ts'
import { parse } from '../../grammar/parser.ts'
import type { Source, Span } from '../../grammar/source.ts'
import { report } from '../diagnostics/catalogue.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import { syntaxDiagnostics } from '../diagnostics/syntax.ts'
import type { Sink } from './elaboration.ts'
import { type Binding, Scope } from './scope.ts'

export interface LoadedFile {
  readonly source: Source
  readonly file: File
  readonly scope: Scope
  /** Files imported, in order. */
  readonly imports: readonly LoadedFile[]
}

/** Gives the source at a path, relative to the file that names it. */
export type Load = (path: string, from: Source) => Source | undefined

const maximumFiles = 1000

export function loadFiles(source: Source, load: Load, prelude: Scope, sink: Sink): LoadedFile {
  const done = new Map<string, LoadedFile>()
  const running: string[] = []

  const visit = (from: Source): LoadedFile => {
    running.push(from.path)
    const { file, faults } = parse(from)
    for (const diagnostic of syntaxDiagnostics(faults)) sink.add(diagnostic)
    const scope = new Scope(prelude)
    const imports: LoadedFile[] = []
    for (const declaration of file.declarations)
      if (declaration.kind === 'import') {
        const imported = open(declaration, from)
        if (!imported) continue
        imports.push(imported)
        bring(declaration, imported, scope, sink)
      }
    declareAll(file.declarations, scope, sink)
    running.pop()
    const loaded: LoadedFile = { source: from, file, scope, imports }
    done.set(from.path, loaded)
    return loaded
  }

  const open = (declaration: ImportDeclaration, from: Source): LoadedFile | undefined => {
    const { value: path, span } = declaration.path
    const forbidden = refusal(path)
    if (forbidden) return void sink.add(report(names.importForbidden, { span, reason: forbidden }))
    if (done.size + running.length > maximumFiles)
      return void sink.add(
        report(names.importForbidden, { span, reason: `more than ${maximumFiles} files are imported` }),
      )
    const found = load(path, from)
    if (!found) return void sink.add(report(names.importMissing, { span, path }))
    const start = running.indexOf(found.path)
    if (start !== -1)
      return void sink.add(report(names.importCycle, { span, cycle: [...running.slice(start), found.path] }))
    return done.get(found.path) ?? visit(found)
  }
  return visit(source)
}

/** What no import path may be, whatever lies there; the loader looks at links and roots. */
function refusal(path: string): string | undefined {
  if (path === '') return 'it is empty'
  if (path.includes('\0')) return 'it holds a zero character'
  if (path.includes('\\')) return 'it holds a backslash; folders are separated by `/`'
  if (path.startsWith('/') || path.startsWith('~') || /^[A-Za-z]:/.test(path)) return 'it is not relative'
  return undefined
}

function bring(declaration: ImportDeclaration, imported: LoadedFile, scope: Scope, sink: Sink): void {
  const own = imported.file.declarations.flatMap((d) =>
    'name' in d && d.name && d.kind !== 'train' ? d.name.name : [],
  )
  const add = (name: string, as: string, span: Span) => {
    const binding = imported.scope.own(name)
    if (!binding) return
    const first = scope.own(as)
    if (first)
      sink.add(report(names.declaredTwice, { span, name: as, what: 'imported name', first: spanOf(first) ?? span }))
    else scope.declare(as, binding)
  }
  if (!declaration.names) for (const name of own) add(name, name, declaration.path.span)
  else
    for (const { name, alias } of declaration.names) {
      if (own.includes(name.name)) add(name.name, alias?.name ?? name.name, (alias ?? name).span)
      else
        sink.add(
          report(names.importUnknown, {
            span: name.span,
            name: name.name,
            path: declaration.path.value,
            suggestion: nearest(name.name, own),
          }),
        )
    }
}

/** Top-level names of a file; `data` and `train` blocks have names of their own kind. */
export function declareAll(declarations: readonly Declaration[], scope: Scope, sink: Sink): void {
  const blocks = new Map<string, Span>()
  for (const declaration of declarations) {
    if (declaration.kind === 'import' || declaration.kind === 'test') continue
    const { name } = declaration
    if (!name) continue
    if (declaration.kind === 'data' || declaration.kind === 'train') {
      const key = `${declaration.kind} ${name.name}`
      const first = blocks.get(key)
      if (first)
        sink.add(
          report(names.declaredTwice, { span: name.span, name: name.name, what: `${declaration.kind} block`, first }),
        )
      else blocks.set(key, name.span)
      continue
    }
    const first = scope.own(name.name)
    if (first) {
      sink.add(
        report(names.declaredTwice, {
          span: name.span,
          name: name.name,
          what: declaration.kind,
          first: spanOf(first) ?? name.span,
        }),
      )
      continue
    }
    scope.declare(name.name, bindingOf(declaration, scope))
  }
}

export type Named = Exclude<Declaration, { kind: 'import' | 'test' | 'data' | 'train' }>

export function bindingOf(declaration: Named, scope: Scope): Binding {
  const { span } = declaration.name
  switch (declaration.kind) {
    case 'const':
      return { kind: 'constant', declaration, scope, state: { kind: 'waiting' } }
    case 'function':
      return { kind: 'value', value: { kind: 'function', declaration, scope }, span }
    case 'module':
      return { kind: 'value', value: { kind: 'module', declaration, scope }, span }
    case 'model':
      return { kind: 'value', value: { kind: 'model', declaration, scope }, span }
    default:
      return declaration satisfies never
  }
}

function spanOf(binding: Binding): Span | undefined {
  return binding.kind === 'constant'
    ? binding.declaration.name.span
    : binding.kind === 'value'
      ? binding.span
      : undefined
}
