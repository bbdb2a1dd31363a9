/**
 * Kernels → values on the CPU, plainly: what a kernel means, without any schedule. It stands between the graph's
 * reference and the printed WGSL, so that fusion is tested by thousands of programs without a GPU.
 *
 * Results start as NaN, and a load outside a tensor or a division of a negative index is an error: what a GPU would
 * let pass is found here.
 */

import { type Bindings, type Dim, evaluate as evaluateDim } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import type { Value } from '../ops/op.ts'
import { ownData } from '../ops/structure.ts'
import { allocate, type Precision } from './evaluate.ts'
import { KernelMachine } from './kernel-machine.ts'

export interface RunOptions {
  readonly dims?: Bindings
  readonly precision?: Precision
  readonly leaf: (node: Node) => Value
}

/** Runs the kernels in order; the values of the results, those that replace a leaf read from its storage. */
export function runKernels(kernels: readonly Kernel[], results: readonly Result[], options: RunOptions): Value[] {
  const { dims = new Map(), precision = 'float64', leaf } = options
  const sizes = new Map<Dim, number>()
  const size = (d: Dim): number => {
    const known = d.constant ?? sizes.get(d)
    if (known !== undefined) return known
    const value = evaluateDim(d, dims)
    sizes.set(d, value)
    return value
  }
  const memory = new Map<Node, Value['data']>()
  const isLeaf = (node: Node) =>
    node.op === 'input' || node.op === 'parameter' || node.op === 'state' || ownData(node) !== undefined
  const elements = (node: Node) => node.shape.reduce((n, d) => n * size(d), 1)
  const read = (node: Node): Value['data'] => {
    const known = memory.get(node)
    if (known) return known
    if (!isLeaf(node)) throw new Error(`%${node.id} ${node.op} is read before it is written`)
    const data = allocate(node.dtype, elements(node), precision)
    data.set(ownData(node) ?? leaf(node).data)
    memory.set(node, data)
    return data
  }
  for (const kernel of kernels) {
    const slots = kernel.slots.map(({ node, access, part }) => {
      if (access === 'read' || (part && memory.has(node))) return read(node)
      if (access === 'update') {
        // The new value lives where the old one was.
        const replaced = results.find((result) => result.replaces === node)
        if (replaced) memory.set(replaced.node, read(node))
        return read(node)
      }
      const data = allocate(node.dtype, elements(node), precision).fill(Number.NaN)
      memory.set(node, data)
      return data
    })
    new KernelMachine(slots, size, precision).run(kernel)
  }
  return results.map(({ node }) => ({ shape: node.shape.map(size), dtype: node.dtype, data: read(node) }))
}
