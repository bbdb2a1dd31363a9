/**
 * A prompt and a model → the likeliest sequences that beam search finds: at each step all beams go on with every token, and
 * the best so many of these stay. Finished ones are compared by log p / lp(n), lp(n) = ((5 + n) / 6)^α for n tokens with the
 * stop token. Source of the penalty: Wu et al., "Google's neural machine translation system", 2016, equation 14.
 */
import type { NextLogits } from './next-logits.ts'

export interface BeamOptions {
  /** At most so many tokens. */
  readonly length: number
  /** Tokens that end a sequence and are not part of it. */
  readonly stop: readonly number[]
  readonly never?: readonly number[] | undefined
  /** α; 0 compares probabilities as they are, which favours what is short. */
  readonly lengthPenalty?: number | undefined
}

export interface Hypothesis {
  readonly tokens: readonly number[]
  readonly logProbability: number
  /** What it is ranked by. */
  readonly score: number
  /** Whether it ended by itself. */
  readonly finished: boolean
}

/** Best first; as many as there are rows of the model, or fewer. */
export async function beamSearch(
  model: NextLogits,
  prompt: ArrayLike<number>,
  options: BeamOptions,
): Promise<readonly Hypothesis[]> {
  const { length, stop, never = [], lengthPenalty = 0.6 } = options
  const { rows, vocabulary } = model
  // What came at each step and from which beam: sequences are read backwards when they are done.
  const tokens = new Int32Array(rows * length)
  const parents = new Int32Array(rows * length)
  let scores = new Float64Array(rows)
  let before = new Float64Array(rows)
  const from = new Int32Array(rows)
  const next = new Int32Array(rows)
  // The best candidates so far, the worst of them last.
  const room = rows * (1 + stop.length)
  const best = { score: new Float64Array(room), token: new Int32Array(room), beam: new Int32Array(room), count: 0 }
  const finished: Hypothesis[] = []
  const penalty = (count: number) => ((5 + count) / 6) ** lengthPenalty
  const sequence = (step: number, beam: number): number[] => {
    const reversed: number[] = []
    for (let t = step, b = beam; t >= 0; t--) {
      reversed.push(tokens[t * rows + b]!)
      b = parents[t * rows + b]!
    }
    return reversed.reverse()
  }
  const finish = (list: readonly number[], logProbability: number, count: number, ended: boolean) => {
    finished.push({ tokens: list, logProbability, score: logProbability / penalty(count), finished: ended })
    finished.sort((a, b) => b.score - a.score)
    if (finished.length > rows) finished.pop()
  }

  let logits = await model.start(prompt)
  // All rows are alike at first: one beam goes on.
  let beams = 1
  for (let step = 0; step < length; step++) {
    best.count = 0
    for (let beam = 0; beam < beams; beam++) {
      const start = beam * vocabulary
      for (const token of never) logits[start + token] = Number.NEGATIVE_INFINITY
      const norm = logSumExp(logits, start, vocabulary)
      for (let token = 0; token < vocabulary; token++)
        consider(scores[beam]! + logits[start + token]! - norm, token, beam)
    }
    let kept = 0
    for (let i = 0; i < best.count && kept < rows; i++) {
      const [score, token, beam] = [best.score[i]!, best.token[i]!, best.beam[i]!]
      if (score === Number.NEGATIVE_INFINITY) break
      if (stop.includes(token)) {
        // Only where it is among the best of its step, as if it went on.
        if (i < rows) finish(step === 0 ? [] : sequence(step - 1, beam), score, step + 1, true)
        continue
      }
      tokens[step * rows + kept] = token
      parents[step * rows + kept] = beam
      next[kept] = token
      from[kept] = beam
      before[kept] = score
      kept += 1
    }
    const spare = scores
    scores = before
    before = spare
    beams = kept
    if (kept === 0) break
    if (step + 1 === length) {
      for (let beam = 0; beam < kept; beam++) finish(sequence(step, beam), scores[beam]!, step + 1, false)
      break
    }
    // A beam only becomes less likely; the greatest divisor it can meet is that of the full length.
    if (finished.length === rows && finished.at(-1)!.score >= scores[0]! / penalty(length)) break
    for (let beam = kept; beam < rows; beam++) {
      next[beam] = next[0]!
      from[beam] = from[0]!
    }
    logits = await model.step(next, from)
  }
  return finished

  /** So many more than there are beams that enough are left when some are stop tokens. */
  function consider(score: number, token: number, beam: number): void {
    if (best.count === room && score <= best.score[room - 1]!) return
    let at = best.count === room ? room - 1 : best.count++
    for (; at > 0 && best.score[at - 1]! < score; at--) {
      best.score[at] = best.score[at - 1]!
      best.token[at] = best.token[at - 1]!
      best.beam[at] = best.beam[at - 1]!
    }
    best.score[at] = score
    best.token[at] = token
    best.beam[at] = beam
  }
}

function logSumExp(logits: Float32Array, start: number, count: number): number {
  let most = Number.NEGATIVE_INFINITY
  for (let i = start; i < start + count; i++) most = Math.max(most, logits[i]!)
  let sum = 0
  for (let i = start; i < start + count; i++) sum += Math.exp(logits[i]! - most)
  return most + Math.log(sum)
}
