/** What a model says, or that it says nothing. */
import type { ModelGraph } from '../compiler/program.ts'
import { type TokenSequences, tokenSequencesOf } from '../compiler/sequences.ts'
import { UsageError } from './failure.ts'

export function sequencePorts(model: ModelGraph): TokenSequences {
  const found = tokenSequencesOf(model)
  if (found) return found
  throw new UsageError(
    `the model "${model.name}" says no sequences: it needs an input int[batch, T] and an output float[batch, T, V]`,
  )
}
