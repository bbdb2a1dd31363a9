/**
 * Compares gradients with central differences of the float64 reference. The loss is a fixed random weighting of the
 * elements, so that no two errors can cancel.
 */

import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import type { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { drawValue, generator } from './sample-graph.ts'

const step = 1e-6

export interface Mismatch {
  readonly input: number
  readonly element: number
  readonly derived: number
  readonly measured: number
}

/** The scalar loss of a tensor: its elements weighted by numbers that are drawn once. */
export function weighted(builder: GraphBuilder, node: Node, seed: number): Node {
  const shape = node.shape.map((dim) => dim.constant!)
  const { data } = drawValue({ shape, range: [0.5, 1.5] }, generator(seed))
  const product = builder.mul(node, builder.literal([...data], shape))
  return builder.sum(
    product,
    node.shape.map((_, axis) => axis),
  )
}

export function gradientMismatches(
  builder: GraphBuilder,
  loss: Node,
  inputs: readonly Node[],
  values: ReadonlyMap<Node, Value>,
): Mismatch[] {
  const floats = inputs.filter((node) => node.dtype === 'float')
  const lossAt = (changed: ReadonlyMap<Node, Value>) =>
    evaluate([loss], { leaf: (node) => changed.get(node)! })[0]!.data[0]!
  const gradients = evaluate(differentiate(builder, loss, floats), { leaf: (node) => values.get(node)! })
  // Differences lose half the digits: about eps/step of the loss, and step² of its curvature.
  const magnitude = Math.max(1, Math.abs(lossAt(values)))
  const found: Mismatch[] = []
  for (const [index, node] of floats.entries()) {
    const value = values.get(node)!
    for (let element = 0; element < value.data.length; element++) {
      const moved = (by: number) => {
        const data = value.data.slice()
        data[element]! += by
        return lossAt(new Map(values).set(node, { ...value, data }))
      }
      const measured = (moved(step) - moved(-step)) / (2 * step)
      const derived = gradients[index]!.data[element]!
      const allowed = 1e-6 * Math.max(Math.abs(measured), Math.abs(derived)) + 2e-9 * magnitude
      if (!(Math.abs(measured - derived) <= allowed)) found.push({ input: index, element, derived, measured })
    }
  }
  return found
}
