/**
 * A session of a causal model that evaluates whole sequences → the logits after their last tokens, by evaluating anew for each
 * token. A sequence longer than the model's context keeps its last tokens. What comes after a sequence is padding, which a
 * causal model does not see.
 */
import type { Executor, TensorData } from '../executor.ts'
import { special } from '../tokenize/special.ts'
import type { NextLogits } from './next-logits.ts'

export interface WholeSequenceOptions {
  /** The input that holds the sequences, [rows, context], and the output, [rows, context, vocabulary]. */
  readonly input: string
  readonly output: string
  readonly rows: number
  readonly context: number
  readonly vocabulary: number
  /** What the other inputs hold throughout. */
  readonly others?: ReadonlyMap<string, TensorData>
}

export function wholeSequence(executor: Executor, options: WholeSequenceOptions): NextLogits {
  const { input, output, rows, context, vocabulary, others } = options
  let tokens = new Int32Array(rows * context)
  let spare = new Int32Array(rows * context)
  const last = new Float32Array(rows * vocabulary)
  let length = 0

  const evaluate = async (): Promise<Float32Array> => {
    if (others) for (const [name, data] of others) executor.write(name, data)
    executor.write(input, tokens)
    await executor.run('infer')
    const logits = await executor.read(output)
    for (let row = 0; row < rows; row++) {
      const start = (row * context + length - 1) * vocabulary
      for (let token = 0; token < vocabulary; token++) last[row * vocabulary + token] = logits[start + token]!
    }
    return last
  }
  return {
    rows,
    vocabulary,
    start(prompt) {
      if (prompt.length === 0) throw new Error('a sequence begins with a token')
      const first = Math.max(0, prompt.length - context)
      length = prompt.length - first
      tokens.fill(special.pad)
      for (let row = 0; row < rows; row++)
        for (let i = 0; i < length; i++) tokens[row * context + i] = prompt[first + i]!
      return evaluate()
    },
    step(next, from) {
      const drop = length === context ? 1 : 0
      for (let row = 0; row < rows; row++) {
        const old = (from?.[row] ?? row) * context
        const now = row * context
        for (let i = 0; i < length - drop; i++) spare[now + i] = tokens[old + drop + i]!
        spare[now + length - drop] = next[row]!
        spare.fill(special.pad, now + length - drop + 1, now + context)
      }
      const other = tokens
      tokens = spare
      spare = other
      length += 1 - drop
      return evaluate()
    },
  }
}
