/**
 * Translations and their references, as tokens → BLEU: the geometric mean of the precisions of n-grams up to four, each
 * n-gram counted at most as often as one reference has it, times a penalty for saying too little. Counts are added up over
 * the whole corpus. Source: Papineni, Roukos, Ward and Zhu, "BLEU: a method for automatic evaluation of machine translation",
 * ACL 2002. How text is cut into tokens decides the score: compare only what was cut alike.
 */
export interface Bleu {
  /** From 0 to 1. */
  readonly score: number
  /** Matched and all n-grams, for n = 1, 2, … */
  readonly precisions: readonly { readonly matched: number; readonly total: number }[]
  readonly brevityPenalty: number
  readonly saidLength: number
  /** Of the references nearest in length, the shorter of two as near. */
  readonly referenceLength: number
}

export interface Translation {
  readonly said: readonly string[]
  readonly references: readonly (readonly string[])[]
}

export function bleu(corpus: Iterable<Translation>, order = 4): Bleu {
  const matched = new Array<number>(order).fill(0)
  const total = new Array<number>(order).fill(0)
  let saidLength = 0
  let referenceLength = 0
  for (const { said, references } of corpus) {
    saidLength += said.length
    referenceLength += nearestLength(said.length, references)
    for (let n = 1; n <= order; n++) {
      const most = new Map<string, number>()
      for (const reference of references)
        for (const [gram, count] of grams(reference, n)) most.set(gram, Math.max(most.get(gram) ?? 0, count))
      for (const [gram, count] of grams(said, n)) {
        matched[n - 1]! += Math.min(count, most.get(gram) ?? 0)
        total[n - 1]! += count
      }
    }
  }
  const precisions = matched.map((count, i) => ({ matched: count, total: total[i]! }))
  const brevityPenalty =
    saidLength >= referenceLength ? 1 : saidLength === 0 ? 0 : Math.exp(1 - referenceLength / saidLength)
  const mean = precisions.reduce((sum, p) => sum + Math.log(p.matched / p.total), 0) / order
  const score = precisions.every((p) => p.matched > 0) ? brevityPenalty * Math.exp(mean) : 0
  return { score, precisions, brevityPenalty, saidLength, referenceLength }
}

/** The n-grams of a sentence, each with how often it is there. No token holds a line's end. */
function grams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i + n <= tokens.length; i++) {
    const gram = tokens.slice(i, i + n).join('\n')
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return counts
}

function nearestLength(length: number, references: readonly (readonly string[])[]): number {
  let best = 0
  let away = Number.POSITIVE_INFINITY
  for (const { length: one } of references) {
    const distance = Math.abs(one - length)
    if (distance < away || (distance === away && one < best)) {
      best = one
      away = distance
    }
  }
  return best
}
