/** Scalars of batches → their means over examples: a last, smaller batch counts for less. */
export interface Means {
  add(values: ReadonlyMap<string, number>, examples: number): void
  readonly examples: number
  sums(): Readonly<Record<string, number>>
  means(): Readonly<Record<string, number>>
}

export function weightedMeans(
  start: { readonly examples: number; readonly sums: Readonly<Record<string, number>> } = { examples: 0, sums: {} },
): Means {
  const sums = new Map(Object.entries(start.sums))
  let total = start.examples
  return {
    add(values, examples) {
      total += examples
      for (const [name, value] of values) sums.set(name, (sums.get(name) ?? 0) + value * examples)
    },
    get examples() {
      return total
    },
    sums: () => Object.fromEntries(sums),
    means: () => Object.fromEntries([...sums].map(([name, sum]) => [name, sum / total])),
  }
}

/** Metrics of a trainer's steps → their means, as an epoch is judged that has nothing to validate on. */
export function meanOfSteps<M extends object>(): { add(step: { readonly metrics: M }): void; readonly value: M } {
  const means = weightedMeans()
  return {
    add: ({ metrics }) => means.add(new Map(Object.entries(metrics)), 1),
    get value() {
      return means.means() as M
    },
  }
}
