/** A scan, step by step: slices in, carries on, yields stacked. */
import type { Node } from '../ir/graph.ts'
import { nodesOf } from '../ir/graph.ts'
import type { EvaluationContext, Value } from './op.ts'
import { opOf } from './registry.ts'
import { type ScanAttributes, scanOperands } from './scan.ts'
import { count } from './values.ts'

export function evaluateScan(
  operands: readonly Value[],
  attributes: ScanAttributes,
  context: EvaluationContext,
): Value {
  const { length, reverse, body } = attributes
  const steps = context.size(length)
  const { stacks, initials, captures } = scanOperands(operands, body)
  const order = nodesOf([...body.next, ...body.yields].map((node) => ({ node })))
  const fixed = new Map<Node, Value>(body.captures.map((node, i) => [node, captures[i]!]))
  let carries = initials
  const yields = body.yields.map((node): Value => {
    const shape = [steps, ...node.shape.map(context.size)]
    return { shape, dtype: node.dtype, data: context.allocate(node.dtype, count(shape)) }
  })
  for (let step = 0; step < steps; step++) {
    const t = reverse ? steps - 1 - step : step
    const leaves = new Map(fixed)
    body.elements.forEach((node, i) => leaves.set(node, slice(stacks[i]!, t)))
    body.carries.forEach((node, i) => leaves.set(node, carries[i]!))
    const inner: EvaluationContext = { ...context, leaf: (node) => leaves.get(node) ?? context.leaf(node) }
    const values = new Map<Node, Value>()
    for (const node of order)
      values.set(
        node,
        opOf(node).evaluate(
          node.operands.map((o) => values.get(o)!),
          node.attributes as never,
          inner,
          node,
        ),
      )
    body.yields.forEach((node, i) =>
      yields[i]!.data.set(values.get(node)!.data as never, t * values.get(node)!.data.length),
    )
    carries = body.next.map((node) => values.get(node)!)
  }
  return { shape: [], dtype: 'float', data: context.allocate('float', 1), parts: [...carries, ...yields] }
}

/** The element at a position of the first axis, sharing the stack's memory. */
function slice({ shape, dtype, data }: Value, at: number): Value {
  const inner = shape.slice(1)
  const each = count(inner)
  return { shape: inner, dtype, data: data.subarray(at * each, (at + 1) * each) }
}
