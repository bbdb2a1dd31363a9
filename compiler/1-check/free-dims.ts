/** Free dims where a number is needed: the first fault says so, and what follows from it is silent. */
import { symbolsOf } from '../ir/dim.ts'
import { type Node, nodesOf } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { type Elaboration, silent } from './elaboration.ts'

/** Goes on silently where all these dims were reported already. */
export function blame(e: Elaboration, dims: ReadonlySet<string>): void {
  if (dims.size > 0 && [...dims].every((name) => e.blamed.has(name))) silent()
  for (const name of dims) e.blamed.add(name)
}

/** The free dims whose sizes a value is computed from. */
export function openDims(node: Node): ReadonlySet<string> {
  const names = new Set<string>()
  for (const n of nodesOf([{ node }]))
    if (lowerOf(n).kind === 'index' && 'dim' in n.attributes) symbolsOf(n.attributes.dim, names)
  return names
}
