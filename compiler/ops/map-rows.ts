/** How the rows of elementwise functions are made: what differs between them is a name, a domain and a gradient. */
import type { DType, Node } from '../ir/graph.ts'
import { type ScalarFunction, scalarMeaning } from '../ir/scalar.ts'
import type { GraphBuilder } from './builder.ts'
import { requireOneOf, requireSameDtype, requireSameShape } from './faults.ts'
import { evaluateMap } from './map-loops.ts'
import type { NoAttributes, OpDef, Sample } from './op.ts'
import { costPerElement } from './values.ts'

export const number: readonly DType[] = ['float', 'int']
export const float: readonly DType[] = ['float']
export const truth: readonly DType[] = ['bool']
export const ordered: readonly DType[] = ['float', 'int', 'uint']
export const every: readonly DType[] = ['float', 'int', 'uint', 'bool']

const both = [0, 1]

interface Sampling {
  /** Where the values of float operands are drawn from, by operand. */
  readonly ranges?: readonly (readonly [number, number] | undefined)[]
  readonly distinct?: boolean
}

/** Odd shapes on purpose: no axis at all, one, primes, an empty axis. */
const shapes: readonly (readonly [readonly number[], string])[] = [
  [[], 'a scalar'],
  [[1], 'one element'],
  [[7, 13], 'primes'],
  [[3, 0], 'no element'],
  [[2, 3, 1, 5], 'four axes'],
]

export function unary<Name extends ScalarFunction>(
  name: Name,
  doc: string,
  domain: readonly DType[],
  gradient: ((b: GraphBuilder, g: Node, x: Node, y: Node) => Node) | undefined,
  sampling: Sampling = {},
): OpDef<Name, NoAttributes> {
  return {
    name,
    doc,
    lower: { kind: 'map', scalar: name, cheap: scalarMeaning[name].cheap },
    type: (operands) => requireOneOf(operands, 0, domain),
    gradient: gradient && ((b, node, g) => [gradient(b, g, node.operands[0]!, node)]),
    evaluate: (operands, _, context, node) => evaluateMap(name, operands, context, node),
    cost: (node) => costPerElement(node, 1),
    samples: samplesOf(1, domain, sampling),
  }
}

export function binary<Name extends string>(
  name: Name,
  doc: string,
  row: {
    readonly scalar: ScalarFunction
    readonly domain: readonly DType[]
    /** The result's dtype; that of the operands if absent. */
    readonly result?: DType
    readonly gradient?: (b: GraphBuilder, g: Node, x: Node, y: Node, result: Node) => readonly (Node | undefined)[]
  } & Sampling,
): OpDef<Name, NoAttributes> {
  const { scalar, domain, result, gradient } = row
  return {
    name,
    doc,
    lower: { kind: 'map', scalar, cheap: scalarMeaning[scalar].cheap },
    type: (operands) => {
      requireOneOf(operands, 0, domain)
      const dtype = requireSameDtype(operands, both)
      return { shape: requireSameShape(operands, both), dtype: result ?? dtype }
    },
    gradient: gradient && ((b, node, g) => gradient(b, g, node.operands[0]!, node.operands[1]!, node)),
    evaluate: (operands, _, context, node) => evaluateMap(scalar, operands, context, node),
    cost: (node) => costPerElement(node, 1),
    samples: samplesOf(2, domain, row),
  }
}

function samplesOf(arity: number, domain: readonly DType[], sampling: Sampling): Sample<NoAttributes>[] {
  return domain.flatMap((dtype) =>
    shapes.map(([shape, note]) => ({
      operands: Array.from({ length: arity }, (_, index) => {
        const range = dtype === 'float' ? sampling.ranges?.[index] : undefined
        return { shape, dtype, ...(range && { range }), ...(sampling.distinct && { distinct: true }) }
      }),
      attributes: {},
      note: dtype === 'float' ? note : `${note}, ${dtype}`,
    })),
  )
}
