/**
 * A model → which input holds the tokens that it goes on with, which output their logits, and which inputs are about something
 * else (the source of a translation): by their shapes alone. Tokens are `int[batch, T]`, their logits `float[batch, T, V]`.
 */
import type { Dim } from '../compiler/ir/dim.ts'
import type { ModelGraph, NamedNode, TensorPort } from '../compiler/program.ts'
import { UsageError } from './failure.ts'

export interface SequencePorts {
  readonly tokens: TensorPort
  readonly logits: NamedNode
  readonly others: readonly TensorPort[]
  /** The dim that counts sequences. */
  readonly batch: string
  /** How long a sequence may be. */
  readonly context: Dim
  readonly vocabulary: number
}

export function sequencePorts(model: ModelGraph): SequencePorts {
  for (const logits of model.outputs) {
    const [batch, context, vocabulary, ...more] = logits.node.shape
    const size = vocabulary?.constant
    if (!batch || !context || size === undefined || more.length > 0 || logits.node.dtype !== 'float') continue
    const tokens = model.inputs.filter(
      ({ shape, dtype }) => dtype === 'int' && shape.length === 2 && shape[0] === batch && shape[1] === context,
    )
    // A source of the same length stands before what is said of it.
    const chosen = tokens.at(-1)
    if (!chosen) continue
    const others = model.inputs.filter((port) => port !== chosen)
    return { tokens: chosen, logits, others, batch: batch.key, context, vocabulary: size }
  }
  throw new UsageError(
    `the model "${model.name}" says no sequences: it needs an input int[batch, T] and an output float[batch, T, V]`,
  )
}
