/**
 * Two sequences → the least number of insertions, deletions and substitutions that make one of the other (Levenshtein, 1966),
 * and error rates over many pairs: phoneme or word error rate, by what the items are.
 */
export function editDistance<T>(from: ArrayLike<T>, to: ArrayLike<T>): number {
  // Row by row of the table of prefixes; only the row before is needed.
  let before = Uint32Array.from({ length: to.length + 1 }, (_, j) => j)
  let row = new Uint32Array(to.length + 1)
  for (let i = 1; i <= from.length; i++) {
    row[0] = i
    for (let j = 1; j <= to.length; j++) {
      const substituted = before[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      row[j] = Math.min(substituted, before[j]! + 1, row[j - 1]! + 1)
    }
    const spare = before
    before = row
    row = spare
  }
  return before[to.length]!
}

/** What was said, and all that would have been right: an item has one reference or several, the nearest of which counts. */
export interface Said<T> {
  readonly said: ArrayLike<T>
  readonly references: readonly ArrayLike<T>[]
}

/** Edits for each item of the references, over all pairs together; above 1 where much too much is said. */
export function errorRate<T>(pairs: Iterable<Said<T>>): number {
  let edits = 0
  let items = 0
  for (const pair of pairs) {
    const nearest = nearestReference(pair)
    edits += nearest.distance
    items += nearest.length
  }
  return items === 0 ? 0 : edits / items
}

/** The part of the sequences that are none of their references: the word error rate of a pronouncing dictionary. */
export function sequenceErrorRate<T>(pairs: Iterable<Said<T>>): number {
  let wrong = 0
  let count = 0
  for (const pair of pairs) {
    if (nearestReference(pair).distance > 0) wrong += 1
    count += 1
  }
  return count === 0 ? 0 : wrong / count
}

function nearestReference<T>({ said, references }: Said<T>): { readonly distance: number; readonly length: number } {
  let best = { distance: Number.POSITIVE_INFINITY, length: 0 }
  for (const reference of references) {
    const distance = editDistance(said, reference)
    if (distance < best.distance) best = { distance, length: reference.length }
  }
  return references.length === 0 ? { distance: said.length, length: 0 } : best
}
