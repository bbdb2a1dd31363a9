/** A causal model → the entries of its incremental form, or the diagnostic that says which line looks into the future. */

import { report } from '../diagnostics/catalogue.ts'
import { type Diagnostic, DiagnosticError } from '../diagnostics/diagnostic.ts'
import { looksAhead, saysNoSequence } from '../diagnostics/sequences.ts'
import type { Graph, Origin } from '../ir/graph.ts'
import { LooksAhead } from '../ops/causality/reach.ts'
import { type IncrementalForms, incrementalForms } from '../ops/incremental/forms.ts'
import type { ModelGraph } from '../program.ts'
import { type Sequences, sequencesOf } from '../sequences.ts'

export interface IncrementalModel extends IncrementalForms {
  readonly sequences: Sequences
}

type Made = IncrementalModel | { readonly fault: Diagnostic }

/** A module's sequences are described before its entries are lowered: both ask for the same form. */
const forms = new WeakMap<ModelGraph, Made>()

/** `simplify` is handed in, since phases do not import each other; what it makes of the model is derived from. */
export function incrementalModel(
  model: ModelGraph,
  simplify: (graph: Graph) => Graph,
  streams?: readonly string[],
): Made {
  if (streams) return derived(model, simplify, streams)
  const known = forms.get(model) ?? derived(model, simplify)
  forms.set(model, known)
  return known
}

function derived(model: ModelGraph, simplify: (graph: Graph) => Graph, streams?: readonly string[]): Made {
  let fault: Diagnostic | undefined
  for (const sequences of sequencesOf(model, streams)) {
    const graph = simplify({
      name: model.name,
      results: sequences.outputs.map(({ name, node }) => ({ name, node, role: 'output' })),
      origins: model.origins,
    })
    try {
      const streamed = sequences.streams.map(({ name }) => name)
      return { ...incrementalForms(graph, streamed), sequences }
    } catch (error) {
      if (!(error instanceof LooksAhead)) throw error
      const { primary, path } = placeOf(graph.origins.get(error.node) ?? model.origins.get(error.node) ?? [])
      fault = report(looksAhead, { model: model.name, span: primary ?? model.span, path, why: error.why })
    }
  }
  return { fault: fault ?? report(saysNoSequence, { model: model.name, span: model.span }) }
}

export function requireIncremental(
  model: ModelGraph,
  simplify: (graph: Graph) => Graph,
  streams?: readonly string[],
): IncrementalModel {
  const made = incrementalModel(model, simplify, streams)
  if ('fault' in made) throw new DiagnosticError([made.fault])
  return made
}

/** The user's own line before one of the standard library. */
function placeOf(origins: readonly Origin[]) {
  const own = origins.find(({ span }) => !span.source.path.startsWith('std/')) ?? origins[0]
  return { primary: own?.span, path: own?.path ?? '' }
}
