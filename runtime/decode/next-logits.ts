/**
 * What a decoder asks of a model: the logits of the token after each of some sequences that grow side by side. A model that
 * evaluates whole sequences and one that carries its state (keys and values, a recurrence) are asked alike; how much of the
 * past they keep is their own matter.
 */
export interface NextLogits {
  /** Sequences that grow side by side; a beam search needs one for each beam. */
  readonly rows: number
  /** Logits for each sequence. */
  readonly vocabulary: number
  /** Every row begins anew with this sequence, of one token at least. The result is valid until the next call. */
  start(prompt: ArrayLike<number>): Promise<Float32Array>
  /** Row r goes on from what row `from[r]` was (from itself, if not given), with `tokens[r]`. */
  step(tokens: Int32Array, from?: Int32Array): Promise<Float32Array>
}
