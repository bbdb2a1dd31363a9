/**
 * A model of whole sequences and many sources at once → what it says greedily of each: at every place the likeliest token,
 * given those that it said before.
 *
 * All places are computed together and the guess improved until nothing changes. A place depends only on those before it, so
 * each run makes at least one place right for good, and the end is exactly what saying token after token gives, in fewer
 * runs: Jacobi's iteration, as in Song et al., "Accelerating feedforward computation via parallel nonlinear equation
 * solving", ICML 2021.
 */
import { special } from '../tokenize/special.ts'

export interface GreedyBatch {
  readonly rows: number
  /** Places of a sequence, the first of which takes what every sequence begins with. */
  readonly context: number
  readonly vocabulary: number
  /** Logits [rows, context, vocabulary] of tokens [rows, context]. */
  readonly logits: (tokens: Int32Array) => Promise<Float32Array>
  /** Tokens that are never said. */
  readonly never: readonly number[]
}

/** What is said of each row: up to its end mark, which is left out, or all places. */
export async function greedyBatch({ rows, context, vocabulary, logits, never }: GreedyBatch): Promise<Int32Array[]> {
  const tokens = new Int32Array(rows * context)
  for (let row = 0; row < rows; row++) tokens[row * context] = special.bos
  let said: Int32Array[] = []
  for (let turn = 0; turn < context; turn++) {
    const scores = await logits(tokens)
    said = Array.from({ length: rows }, (_, row) => likeliest(scores, row * context, context, vocabulary, never))
    let changed = false
    for (const [row, answer] of said.entries())
      for (let t = 1; t < context; t++) {
        const token = answer[t - 1] ?? special.pad
        const at = row * context + t
        changed ||= tokens[at] !== token
        tokens[at] = token
      }
    if (!changed) break
  }
  return said
}

function likeliest(
  scores: Float32Array,
  start: number,
  context: number,
  vocabulary: number,
  never: readonly number[],
): Int32Array {
  const said: number[] = []
  for (let t = 0; t < context; t++) {
    const at = (start + t) * vocabulary
    let best = -1
    for (let v = 0; v < vocabulary; v++)
      if (!never.includes(v) && (best < 0 || scores[at + v]! > scores[at + best]!)) best = v
    if (best === special.eos) break
    said.push(best)
  }
  return Int32Array.from(said)
}
