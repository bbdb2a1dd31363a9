/** What it costs to make a value again from stored ones, and when that is cheaper than to store it. */
import type { Node } from '../ir/graph.ts'
import { coveringWindows, reducedAxes } from '../ops/structure.ts'
import type { Homes } from './grouping.ts'
import type { Subject } from './subject.ts'

export interface Cost {
  readonly work: number
  /** Stored tensors that are read, and how many of them are large; small ones stay in caches. */
  readonly reads: number
  readonly large: number
}

/** What an element costs when it is made from stored values; `undefined` where it cannot be, or is never cheap. */
export function costOf(
  { lowerings, elements }: Subject,
  node: Node,
  stored: { readonly has: (node: Node) => boolean },
  home: Homes,
): Cost | undefined {
  const small = Math.max(4096, elements[node.id]! / 16)
  let work = 0
  let reads = 0
  let large = 0
  seen.length = 0
  pending.length = 0
  pending.push(node)
  while (pending.length > 0) {
    const next = pending.pop()!
    if (seen.includes(next)) continue
    seen.push(next)
    const lowering = lowerings[next.id]!
    if (next !== node && (lowering.kind === 'leaf' || stored.has(next))) {
      if (next.shape.length === 0) continue
      reads++
      if (elements[next.id]! > small && ++large > mostLarge) return undefined
      continue
    }
    switch (lowering.kind) {
      case 'map':
        work += lowering.cheap ? 1 : 6
        break
      case 'index':
        work += lowering.cheap ? 0 : 14
        break
      case 'view':
        work += next.operands.length - 1
        break
      case 'lookup':
        work += 1
        break
      case 'reduce':
        if (home[next.id]) return undefined
        work += reducedAxes(next) ? 1 : 2 * coveringWindows(next)
        break
      default:
        return undefined
    }
    if (work > mostWork) return undefined
    for (let at = 0; at < next.operands.length; at++) pending.push(next.operands[at]!)
  }
  return { work, reads, large }
}

/** Those of the question at hand: never many, for they cost something. */
const seen: Node[] = []
const pending: Node[] = []

/** What is never cheap, whoever asks. */
const mostWork = 24
const mostLarge = 2

/**
 * Whether to repeat the work. `repeated`: by a contraction, many times for each element. `loose`: storing would take a
 * kernel of its own, and not just one more store.
 */
export function isCheap({ work, reads, large }: Cost, repeated: boolean, loose: boolean): boolean {
  if (repeated) return reads <= 2 && work <= 5
  if (loose) return large <= mostLarge && work <= mostWork
  return large <= 1 ? work <= mostWork : large <= mostLarge && work <= 8
}
