/**
 * A model → what runs along its sequences: which inputs come position by position, which outputs there are at each position,
 * and which inputs are about something else (the source of a translation). By shapes alone: axis 0 counts rows, axis 1
 * positions. Where several inputs have the length of the outputs, all are read in step, or else the last one alone: a source
 * of the same length stands before what is said of it.
 */
import type { Dim } from './ir/dim.ts'
import type { ModelGraph, NamedNode, TensorPort } from './program.ts'

export interface Sequences {
  /** The dim that counts rows. */
  readonly rows: Dim
  /** How long a sequence may be. */
  readonly context: Dim
  readonly streams: readonly TensorPort[]
  readonly outputs: readonly NamedNode[]
  /** Given whole, before the first position. */
  readonly others: readonly TensorPort[]
}

/** What may be meant, the likeliest first; nothing for a model that says no sequences. `only`: these inputs are the streams. */
export function sequencesOf(model: ModelGraph, only?: readonly string[]): readonly Sequences[] {
  for (const { node } of model.outputs) {
    const [rows, context] = node.shape
    if (!rows || !context) continue
    const runs = ({ shape }: { readonly shape: readonly Dim[] }) => shape[0] === rows && shape[1] === context
    const inputs = model.inputs.filter((port) => runs(port) && (!only || only.includes(port.name)))
    const outputs = model.outputs.filter((output) => runs(output.node))
    const last = inputs.at(-1)
    if (!last || rows.constant !== undefined) continue
    return (inputs.length > 1 && !only ? [inputs, [last]] : [inputs]).map((streams) => ({
      rows,
      context,
      streams,
      outputs,
      others: model.inputs.filter((port) => !streams.includes(port)),
    }))
  }
  return []
}

/** A model that says tokens: which input holds those that it goes on with, and which output their logits. */
export interface TokenSequences {
  readonly tokens: TensorPort
  readonly logits: NamedNode
  readonly others: readonly TensorPort[]
  /** The dim that counts sequences. */
  readonly batch: string
  /** How long a sequence may be. */
  readonly context: Dim
  readonly vocabulary: number
}

/** By their shapes alone: tokens are `int[batch, T]`, their logits `float[batch, T, V]`. */
export function tokenSequencesOf(model: ModelGraph): TokenSequences | undefined {
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
  return undefined
}
