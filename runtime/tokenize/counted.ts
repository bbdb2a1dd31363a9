/** Token counts → the tokens of a vocabulary: the most frequent first, those of equal count in the order of their code points. */
export function mostFrequent(counts: ReadonlyMap<string, number>, most: number): string[] {
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b))
    .slice(0, Math.max(0, most))
    .map(([token]) => token)
}

/** Not the order of UTF-16 units, which puts characters beyond U+FFFF before some below. */
function compareCodePoints(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length) {
    const [x, y] = [a.codePointAt(at)!, b.codePointAt(at)!]
    if (x !== y) return x - y
    at += x > 0xffff ? 2 : 1
  }
  return a.length - b.length
}
