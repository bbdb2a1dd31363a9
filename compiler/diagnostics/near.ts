/** The known name that a misspelt one most likely meant: fewest edits, at most a third of its length. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let fewest = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    if (candidate === word || Math.abs(candidate.length - word.length) >= fewest) continue
    const count = candidate.toLowerCase() === word.toLowerCase() ? 0 : edits(word, candidate)
    if (count < fewest) {
      best = candidate
      fewest = count
    }
  }
  return best
}

/** Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
function edits(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let count = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        count = Math.min(count, (before[j - 2] as number) + 1)
      row.push(count)
    }
    before = above
    above = row
  }
  return above[b.length] as number
}
