/** What every file has in scope: builtin functions and the standard library, parsed once for the process. */
import { parse } from '../../grammar/parser.ts'
import type { Source, Span } from '../../grammar/source.ts'
import { stdSources } from '../std.generated.ts'
import { builtins } from './builtins/index.ts'
import { Sink } from './elaboration.ts'
import { declareAll } from './files.ts'
import { Scope } from './scope.ts'
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
  const sink = new Sink()
  for (const [path, text] of sources) {
    const source: Source = { path, text }
    standard.add(source)
    const { file, faults } = parse(source)
    if (faults.length > 0)
      throw new Error(`${path} does not parse: ${JSON.stringify(faults[0]!.kind)} at ${faults[0]!.span.start}`)
    declareAll(file.declarations, scope, sink)
  }
  if (sink.diagnostics.length > 0) throw new Error(`the standard library: ${sink.diagnostics[0]!.message}`)
  return { scope, isStandard: (span) => standard.has(span.source) }
}
