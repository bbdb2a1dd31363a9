/** A set of nodes of one graph: a byte for each, by their ids. */
import type { Node } from '../ir/graph.ts'

export class NodeSet {
  private readonly flags: Uint8Array
  size = 0

  /** `length`: more than the greatest id. */
  constructor(length: number, nodes: Iterable<Node> = []) {
    this.flags = new Uint8Array(length)
    for (const node of nodes) this.add(node)
  }
  has(node: Node): boolean {
    return this.flags[node.id] === 1
  }
  add(node: Node): void {
    if (this.flags[node.id] === 1) return
    this.flags[node.id] = 1
    this.size++
  }
  /** Of sets for one graph. */
  equals({ flags, size }: NodeSet): boolean {
    if (size !== this.size) return false
    for (let id = 0; id < flags.length; id++) if (flags[id] !== this.flags[id]) return false
    return true
  }
}
