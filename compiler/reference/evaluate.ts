/** Graph → values, op by op, plainly: the float64 oracle of every kernel, and in float32 a device of last resort. */
import { type Bindings, type Dim, evaluate as evaluateDim } from '../ir/dim.ts'
import { type DType, type Node, nodesOf } from '../ir/graph.ts'
import type { EvaluationContext, Value } from '../ops/op.ts'
import { opOf } from '../ops/registry.ts'

export type Precision = 'float64' | 'float32'

export interface EvaluateOptions {
  readonly dims?: Bindings
  readonly precision?: Precision
  /** The value of an `input`, `parameter` or `state` leaf. */
  readonly leaf: (node: Node) => Value
}

/** The values of the nodes. Intermediate values are dropped after their last use. */
export function evaluate(results: readonly Node[], options: EvaluateOptions): Value[] {
  const order = evaluationOrder(results)
  return order.run(evaluationContext(options))
}

/** The nodes behind some results with the place of each one's last use: made once, run many times. */
export function evaluationOrder(results: readonly Node[]): { readonly run: (context: EvaluationContext) => Value[] } {
  const nodes = nodesOf(results.map((node) => ({ node })))
  const dying = new Map<Node, Node[]>()
  const seen = new Set<Node>(results)
  for (const node of nodes.toReversed())
    for (const operand of node.operands) {
      if (seen.has(operand)) continue
      seen.add(operand)
      dying.set(node, [...(dying.get(node) ?? []), operand])
    }
  return {
    run: (context) => {
      const values = new Map<Node, Value>()
      for (const node of nodes) {
        const operands = node.operands.map((operand) => values.get(operand)!)
        values.set(node, opOf(node).evaluate(operands, node.attributes as never, context, node))
        for (const operand of dying.get(node) ?? []) values.delete(operand)
      }
      return results.map((node) => values.get(node)!)
    },
  }
}

export function evaluationContext({
  dims = new Map(),
  precision = 'float64',
  leaf,
}: EvaluateOptions): EvaluationContext {
  const sizes = new Map<Dim, number>()
  return {
    size: (dim) => {
      const known = dim.constant ?? sizes.get(dim)
      if (known !== undefined) return known
      const value = evaluateDim(dim, dims)
      sizes.set(dim, value)
      return value
    },
    allocate: (dtype, elements) => allocate(dtype, elements, precision),
    leaf,
  }
}

export function allocate(dtype: DType, elements: number, precision: Precision): Value['data'] {
  if (precision === 'float64') return new Float64Array(elements)
  switch (dtype) {
    case 'float':
      return new Float32Array(elements)
    case 'int':
      return new Int32Array(elements)
    case 'uint':
    case 'bool':
      return new Uint32Array(elements)
    default:
      return dtype satisfies never
  }
}
