/**
 * The cheapest set of nodes through which all that is computed on one side passes to the other: what a loop is given
 * from outside, or gives. A minimum vertex cut, found as a maximum flow through nodes of limited capacity.
 */
import type { Node } from '../ir/graph.ts'

export interface Network {
  readonly nodes: readonly Node[]
  /** What it costs to pass the node from one side to the other; infinite where it must not be. */
  readonly cost: (node: Node) => number
  /** Where flow comes in: its operands do not count. */
  readonly isSource: (node: Node) => boolean
  readonly isTarget: (node: Node) => boolean
}

/** Of equally cheap cuts the one nearest to the sources or to the targets. */
export function minimumCut({ nodes, cost, isSource, isTarget }: Network, near: 'sources' | 'targets'): Set<Node> {
  const flow = new Flow(2 * nodes.length + 2)
  const [source, target] = [2 * nodes.length, 2 * nodes.length + 1]
  const place = new Map(nodes.map((node, i) => [node, i]))
  for (const [i, node] of nodes.entries()) {
    flow.connect(2 * i, 2 * i + 1, cost(node))
    if (isTarget(node)) flow.connect(2 * i + 1, target, Infinity)
    if (isSource(node)) flow.connect(source, 2 * i, Infinity)
    else
      for (const operand of new Set(node.operands)) {
        const from = place.get(operand)
        if (from !== undefined) flow.connect(2 * from + 1, 2 * i, Infinity)
      }
  }
  flow.fill(source, target)
  const side = near === 'sources' ? flow.reachedFrom(source) : flow.reaching(target)
  const isCut = (i: number) =>
    near === 'sources' ? side.has(2 * i) && !side.has(2 * i + 1) : !side.has(2 * i) && side.has(2 * i + 1)
  return new Set(nodes.filter((_, i) => isCut(i)))
}

/** Edges come in pairs, an edge and what can be taken back of it: edge e and edge e ^ 1. */
class Flow {
  readonly #edges: number[][]
  readonly #to: number[] = []
  readonly #room: number[] = []

  constructor(places: number) {
    this.#edges = Array.from({ length: places }, () => [])
  }
  connect(from: number, to: number, room: number): void {
    this.#edges[from]!.push(this.#to.push(to) - 1)
    this.#room.push(room)
    this.#edges[to]!.push(this.#to.push(from) - 1)
    this.#room.push(0)
  }
  /** Shortest ways first, until there is none. */
  fill(source: number, target: number): void {
    for (;;) {
      const into = new Map<number, number>()
      const queue = [source]
      for (let at = 0; at < queue.length && !into.has(target); at++)
        for (const edge of this.#edges[queue[at]!]!) {
          const to = this.#to[edge]!
          if (this.#room[edge]! <= 0 || to === source || into.has(to)) continue
          into.set(to, edge)
          queue.push(to)
        }
      if (!into.has(target)) return
      let amount = Infinity
      for (let at = target; at !== source; at = this.#to[into.get(at)! ^ 1]!)
        amount = Math.min(amount, this.#room[into.get(at)!]!)
      if (amount === Infinity) throw new Error('a value must cross that may not')
      for (let at = target; at !== source; at = this.#to[into.get(at)! ^ 1]!) {
        const edge = into.get(at)!
        this.#room[edge]! -= amount
        this.#room[edge ^ 1]! += amount
      }
    }
  }
  reachedFrom(source: number): Set<number> {
    return this.#walk(source, (edge) => this.#room[edge]! > 0)
  }
  reaching(target: number): Set<number> {
    return this.#walk(target, (edge) => this.#room[edge ^ 1]! > 0)
  }
  #walk(start: number, isOpen: (edge: number) => boolean): Set<number> {
    const seen = new Set([start])
    for (const place of seen) for (const edge of this.#edges[place]!) if (isOpen(edge)) seen.add(this.#to[edge]!)
    return seen
  }
}
