/**
 * A row of logits → one token: the greatest, or one drawn by chance. Temperature divides the logits; top-k leaves the k
 * greatest; top-p leaves, of these, the fewest whose probabilities make p (Holtzman et al., "The curious case of neural text
 * degeneration", ICLR 2020). All room is taken once, when the sampler is made.
 */
import type { RandomStream } from '../random.ts'

export interface SampleOptions {
  /** 0: always the greatest. */
  readonly temperature?: number | undefined
  readonly topK?: number | undefined
  readonly topP?: number | undefined
}

/** Of the row of `logits` that begins at `start`. Equal logits count in the order of their tokens. */
export type Sampler = (logits: Float32Array, start: number) => number

export function makeSampler(vocabulary: number, options: SampleOptions, random: RandomStream): Sampler {
  const { temperature = 1, topK = vocabulary, topP = 1 } = options
  if (temperature === 0 || topK === 1) return (logits, start) => greatest(logits, start, vocabulary)
  const heap = new Int32Array(vocabulary)
  const chosen = new Int32Array(vocabulary)
  const weights = new Float64Array(vocabulary)
  const most = Math.min(topK, vocabulary)
  const sorts = most < vocabulary || topP < 1

  return (logits, start) => {
    const best = logits[start + greatest(logits, start, vocabulary)]!
    let count = vocabulary
    if (!sorts) for (let token = 0; token < vocabulary; token++) chosen[token] = token
    else {
      let all = 0
      if (topP < 1 && most === vocabulary)
        for (let token = 0; token < vocabulary; token++) all += weight(logits[start + token]!, best, temperature)
      for (let token = 0; token < vocabulary; token++) heap[token] = token
      for (let at = (vocabulary >> 1) - 1; at >= 0; at--) sink(heap, at, vocabulary, logits, start)
      for (count = 0; count < most; count++) chosen[count] = pop(heap, vocabulary - count, logits, start)
      if (topP < 1) {
        if (most < vocabulary)
          for (let i = 0; i < most; i++) all += weight(logits[start + chosen[i]!]!, best, temperature)
        let sum = 0
        for (count = 0; count < most && sum < topP * all; count++)
          sum += weight(logits[start + chosen[count]!]!, best, temperature)
        count = Math.max(1, count)
      }
    }
    let total = 0
    for (let i = 0; i < count; i++) {
      total += weight(logits[start + chosen[i]!]!, best, temperature)
      weights[i] = total
    }
    const drawn = random.uniform() * total
    let i = 0
    while (i < count - 1 && weights[i]! <= drawn) i++
    return chosen[i]!
  }
}

/** In proportion to the probability; the greatest logit has 1. */
function weight(logit: number, best: number, temperature: number): number {
  return Math.exp((logit - best) / temperature)
}

export function greatest(logits: Float32Array, start: number, vocabulary: number): number {
  let best = 0
  for (let token = 1; token < vocabulary; token++) if (logits[start + token]! > logits[start + best]!) best = token
  return best
}

// A heap of tokens, the greatest logit on top.

function before(a: number, b: number, logits: Float32Array, start: number): boolean {
  const difference = logits[start + a]! - logits[start + b]!
  return difference > 0 || (difference === 0 && a < b)
}

function sink(heap: Int32Array, from: number, size: number, logits: Float32Array, start: number): void {
  const token = heap[from]!
  let at = from
  for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && before(heap[child + 1]!, heap[child]!, logits, start)) child += 1
    if (!before(heap[child]!, token, logits, start)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = token
}

function pop(heap: Int32Array, size: number, logits: Float32Array, start: number): number {
  const top = heap[0]!
  heap[0] = heap[size - 1]!
  sink(heap, 0, size - 1, logits, start)
  return top
}
