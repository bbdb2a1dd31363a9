/**
 * What every file has in scope: builtin functions and the standard library. A file of the library is parsed when the first
 * of its names is asked for, once for the process: most programs use a few of them.
 */
import { parse } from '../../grammar/parser.ts'
import type { Source, Span } from '../../grammar/source.ts'
import { stdSources } from '../std.generated.ts'
import { builtins } from './builtins/index.ts'
import { bindingOf } from './files.ts'
import { type Binding, Scope } from './scope.ts'
import { number, string } from './value.ts'

export interface Prelude {
  readonly scope: Scope
  readonly isStandard: (span: Span) => boolean
}

let made: Prelude | undefined

export function prelude(): Prelude {
  made ??= make(stdSources)
  return made
}

function make(sources: ReadonlyMap<string, string>): Prelude {
  const base = new Scope(undefined)
  for (const [name, builtin] of builtins) base.bind(name, { kind: 'builtin', builtin }, undefined)
  base.bind('inf', number(Infinity, false), undefined)
  base.bind('pi', number(Math.PI, false), undefined)
  base.bind('same', string('same'), undefined)
  base.bind('valid', string('valid'), undefined)
  base.declare('training', { kind: 'training' })

  const scope = new Scope(base)
  const standard = new Set<Source>()
  for (const [path, text] of sources) {
    const source: Source = { path, text }
    standard.add(source)
    let bindings: ReadonlyMap<string, Binding> | undefined
    for (const name of declaredNames(text)) {
      if (scope.has(name)) throw new Error(`${path} declares ${name} again`)
      scope.declareLater(name, () => {
        bindings ??= bindingsOf(source, scope)
        return bindings.get(name)!
      })
    }
  }
  return { scope, isStandard: (span) => standard.has(span.source) }
}

/** In the standard library each declaration begins a line. */
export const declaredNames = (text: string): string[] =>
  [...text.matchAll(/^(?:fn|module|const) (\w+)/gm)].map(([, name]) => name!)

function bindingsOf(source: Source, scope: Scope): ReadonlyMap<string, Binding> {
  const { file, faults } = parse(source)
  if (faults.length > 0)
    throw new Error(`${source.path} does not parse: ${JSON.stringify(faults[0]!.kind)} at ${faults[0]!.span.start}`)
  return new Map(
    file.declarations.flatMap((declaration): [string, Binding][] =>
      declaration.kind === 'function' || declaration.kind === 'module' || declaration.kind === 'const'
        ? [[declaration.name.name, bindingOf(declaration, scope)]]
        : [],
    ),
  )
}
