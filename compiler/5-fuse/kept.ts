/**
 * Kernels of an earlier round of the search. A demand changes few groups; a group with the same nodes, stores and ends of
 * expansion as before becomes the same kernel, which is not built again.
 */
import type { Node } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import type { End } from './body.ts'
import type { Group } from './group.ts'

interface Kept {
  readonly kernel: Kernel
  /** Every node at which the expansion asked whether it ends there, and what it was told. */
  readonly ends: ReadonlyMap<Node, End>
}

export class KeptKernels {
  private readonly known = new Map<string, Kept[]>()
  private readonly position: ReadonlyMap<Node, number>
  private recomputed: ReadonlySet<Node> = new Set()
  constructor(nodes: readonly Node[]) {
    this.position = new Map(nodes.map((node, at) => [node, at]))
  }

  /** Kernels that make contractions anew hold only as long as it is the same ones. */
  begin(recomputed: ReadonlySet<Node>): void {
    if (recomputed.size !== this.recomputed.size || [...recomputed].some((node) => !this.recomputed.has(node)))
      this.known.clear()
    this.recomputed = recomputed
  }

  find(group: Group, stores: readonly Node[], endOf: (node: Node) => End): Kernel | undefined {
    return this.known
      .get(this.keyOf(group, stores))
      ?.find(({ ends }) => [...ends].every(([node, end]) => endOf(node) === end))?.kernel
  }

  keep(group: Group, stores: readonly Node[], kept: Kept): void {
    const key = this.keyOf(group, stores)
    this.known.set(key, [...(this.known.get(key) ?? []), kept])
  }

  private keyOf({ kind, anchors, members, at }: Group, stores: readonly Node[]): string {
    const numbers = (nodes: Iterable<Node>) => [...nodes].map((node) => this.position.get(node)).join()
    return [kind, ...[anchors, members, at.keys(), stores].map(numbers)].join('|')
  }
}
