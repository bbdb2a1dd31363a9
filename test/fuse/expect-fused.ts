/** Whether the kernels of a graph mean what the graph means: every result agrees in float64 on the same leaves. */

import { expect } from 'vitest'
import { type FuseOptions, fuse } from '../../compiler/5-fuse/fuse.ts'
import { joinInPlace } from '../../compiler/5-fuse/join-in-place.ts'
import { type Bindings, evaluate as evaluateDim } from '../../compiler/ir/dim.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { countTensors } from '../../compiler/ir/kernel-slots.ts'
import { printKernel } from '../../compiler/ir/print-kernel.ts'
import { verifyKernel } from '../../compiler/ir/verify-kernel.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { runKernels } from '../../compiler/reference/run-kernel.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'

export interface Checked {
  readonly graph: Graph
  readonly dims?: Bindings
  /** Values of leaves; those absent are drawn. */
  readonly leaf?: (node: Node) => Value | undefined
  readonly options?: FuseOptions
}

export function expectFused({ graph, dims = new Map(), leaf = () => undefined, options }: Checked): Kernel[] {
  const kernels = joinInPlace(fuse(graph, options), graph.results)
  const drawn = new Map<Node, Value>()
  const value = (node: Node): Value => {
    const known = leaf(node) ?? drawn.get(node)
    if (known) return known
    const made = drawValue(
      { shape: node.shape.map((d) => evaluateDim(d, dims)), dtype: node.dtype },
      generator(node.id + 1),
    )
    drawn.set(node, made)
    return made
  }
  try {
    for (const kernel of kernels) {
      verifyKernel(kernel)
      expect(countTensors(kernel.slots), 'slots').toBeLessThanOrEqual(options?.maxSlots ?? 8)
    }
    const expected = evaluate(
      graph.results.map(({ node }) => node),
      { dims, leaf: value },
    )
    const found = runKernels(kernels, graph.results, { dims, leaf: value })
    for (const [i, { name }] of graph.results.entries()) expectSameValue(found[i]!, expected[i]!, name)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${kernels.map(printKernel).join('\n\n')}`, { cause: error })
  }
  return kernels
}

function expectSameValue(found: Value, expected: Value, name: string): void {
  expect(found.shape, name).toEqual(expected.shape)
  expect(found.dtype, name).toBe(expected.dtype)
  const magnitude = [...expected.data].reduce((most, x) => Math.max(most, Math.abs(x)), 1)
  for (let at = 0; at < expected.data.length; at++) {
    const [x, y] = [expected.data[at]!, found.data[at]!]
    if (!Object.is(x, y) && !(Math.abs(x - y) <= 1e-9 * magnitude))
      throw new Error(`${name}[${at}]: expected ${x}, found ${y}`)
  }
}
