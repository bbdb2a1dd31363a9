/**
 * What every file has in scope: builtin functions and the standard library. A declaration of the library is parsed when its
 * name is asked for, once for the process: most programs use a few of them.
 */
import type { Declaration } from '../../grammar/ast.ts'
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
    for (const { name, start, end } of declaredParts(text)) {
      if (scope.has(name)) throw new Error(`${path} declares ${name} again`)
      scope.declareLater(name, () => bindingIn(source, { start, end }, scope))
    }
  }
  return { scope, isStandard: (span) => standard.has(span.source) }
}

interface DeclaredPart extends Omit<Span, 'source'> {
  readonly name: string
}

/** In the standard library each declaration begins a line, with its documentation right before it; one goes on to the next. */
export function declaredParts(text: string): readonly DeclaredPart[] {
  const found = [...text.matchAll(/(?:^\/\/\/.*\n)*^(?:fn|module|const) (\w+)/gm)]
  return found.map(({ 1: name, index: start }, i) => ({ name: name!, start, end: found[i + 1]?.index ?? text.length }))
}

function bindingIn(source: Source, part: Omit<Span, 'source'>, scope: Scope): Binding {
  const { file, faults } = parse(source, part)
  if (faults.length > 0)
    throw new Error(`${source.path} does not parse: ${JSON.stringify(faults[0]!.kind)} at ${faults[0]!.span.start}`)
  const [declaration, ...more] = file.declarations
  if (!declaration || more.length > 0 || !isNamed(declaration))
    throw new Error(`${source.path} has no plain declaration at ${part.start}`)
  return bindingOf(declaration, scope)
}

const isNamed = (declaration: Declaration): declaration is Declaration & { kind: 'function' | 'module' | 'const' } =>
  declaration.kind === 'function' || declaration.kind === 'module' || declaration.kind === 'const'
