/**
 * Kernels that were built before, in an earlier round of the search, for another layer, for another entry. Groups that are
 * alike become the same kernel, said of other nodes: it is built, and its axes are chosen, once.
 */
import type { Node } from '../ir/graph.ts'
import type { Kernel, KernelSlot } from '../ir/kernel.ts'
import { keyOfKernel, withTensors } from '../ir/kernel-key.ts'
import { finishAxes } from './axes.ts'
import type { Likeness } from './likeness.ts'

/** A kernel of some group, and where its nodes stand among those of the group. */
export interface Kept {
  readonly kernel: Kernel
  readonly slots: readonly number[]
  readonly nodes: readonly number[]
  finished: Kernel | undefined
}

export class KeptKernels {
  /** By the number of the likeness. */
  private readonly known: (Kept | undefined)[] = []
  private readonly finished = new Map<string, Kernel>()

  find({ number }: Likeness): Kept | undefined {
    return this.known[number]
  }

  keep({ number, nodes }: Likeness, kernel: Kernel): Kept {
    const rank = new Map<Node, number>()
    for (let at = 0; at < nodes.length; at++) rank.set(nodes[at]!, at)
    const slots = kernel.slots.map(({ node }) => rank.get(node)!)
    const kept = { kernel, slots, nodes: kernel.nodes.map((node) => rank.get(node)!), finished: undefined }
    while (this.known.length < number) this.known.push(undefined)
    this.known[number] = kept
    return kept
  }

  /** The kernel with its axes as they will stay. */
  finish(kernel: Kernel): Kernel {
    const key = keyOfKernel(kernel)
    const alike = this.finished.get(key) ?? finishAxes(kernel)
    this.finished.set(key, alike)
    return withTensors(alike, kernel, true)
  }

  finishKept(kept: Kept): Kernel {
    kept.finished ??= this.finish(kept.kernel)
    return kept.finished
  }
}

/** What a kernel touches and computes, for the group that was found to be like the one that it was built for. */
export function tensorsOf({ kernel, slots, nodes }: Kept, likeness: Likeness): Pick<Kernel, 'slots' | 'nodes'> {
  const bound: KernelSlot[] = []
  for (let at = 0; at < slots.length; at++) bound.push({ ...kernel.slots[at]!, node: likeness.nodes[slots[at]!]! })
  const made: Node[] = []
  for (let at = 0; at < nodes.length; at++) made.push(likeness.nodes[nodes[at]!]!)
  return { slots: bound, nodes: made }
}
