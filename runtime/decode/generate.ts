/** A prompt and a model → tokens one by one, as they are drawn: the same for the same seed. Ends at a stop token or a length. */
import { randomStream } from '../random.ts'
import type { NextLogits } from './next-logits.ts'
import { makeSampler, type SampleOptions } from './sample.ts'

export interface GenerateOptions extends SampleOptions {
  /** At most so many tokens. */
  readonly length: number
  /** Tokens that end it and are not given. */
  readonly stop?: readonly number[] | undefined
  /** Tokens that are never drawn, such as `<pad>`. */
  readonly never?: readonly number[] | undefined
  readonly seed?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export async function* generate(
  model: NextLogits,
  prompt: ArrayLike<number>,
  options: GenerateOptions,
): AsyncGenerator<number, void, void> {
  const { length, stop = [], never = [], seed = 0, signal } = options
  const sample = makeSampler(model.vocabulary, options, randomStream(seed, 'generate'))
  const tokens = new Int32Array(model.rows)
  let logits = await model.start(prompt)
  for (let count = 0; count < length; count++) {
    if (signal?.aborted) return
    for (const token of never) logits[token] = Number.NEGATIVE_INFINITY
    const token = sample(logits, 0)
    if (stop.includes(token)) return
    yield token
    if (count + 1 === length) return
    tokens.fill(token)
    logits = await model.step(tokens)
  }
}
