/**
 * Nodes from values: the only place where checking talks to the graph builder. Numpy's broadcasting is made explicit
 * here, so that a fault is found with both operands' places in hand, before the builder sees it.
 */
import type { Span } from '../../grammar/source.ts'
import * as shapes from '../diagnostics/shapes.ts'
import * as statics from '../diagnostics/static.ts'
import { type Dim, dim, one, sameDims } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import { type GraphBuilder, TooManyNodes } from '../ops/builder.ts'
import type { OpAttributes, OpName } from '../ops/registry.ts'
import { abandon, type Elaboration, fail, step } from './elaboration.ts'
import { currentOrigins, dimSource, inheritDimSources } from './provenance.ts'
import { describe, dimText, typeText } from './value.ts'

/** What making a node costs, in evaluated expressions. */
const nodeCost = 4

/** Makes nodes, which point at the statement being run; the result's dims remember where the operands' came from. */
export function build(e: Elaboration, from: readonly Node[], make: (builder: GraphBuilder) => Node): Node {
  const span = e.trail.at(-1)!
  if (!e.builder) return fail(e, statics.notStatic, { span, what: 'a tensor' })
  const { builder } = e
  step(e, span, nodeCost)
  try {
    const node = builder.withOrigin(currentOrigins(e), () => make(builder))
    if (from.length > 0) inheritDimSources(e, node, from)
    return node
  } catch (thrown) {
    return refuse(e, thrown)
  }
}

/** What was thrown while nodes were made, as a fault where the graph is too large. */
export function refuse(e: Elaboration, thrown: unknown): never {
  if (thrown instanceof TooManyNodes) abandon(e, statics.tooManyNodes, { span: e.trail.at(-1)!, nodes: thrown.limit })
  throw thrown
}

export function emit<Op extends OpName>(
  e: Elaboration,
  op: Op,
  operands: readonly Node[],
  attributes: OpAttributes[Op],
): Node {
  return build(e, operands, (b) => b.node(op, operands, attributes) as Node)
}

export function constant(e: Elaboration, value: number, dtype: DType): Node {
  return emit(e, 'constant', [], { value, dtype })
}

/** The value of a symbolic dim as a float scalar of the graph. */
export function sizeOf(e: Elaboration, d: Dim): Node {
  return d.constant !== undefined ? constant(e, d.constant, 'float') : emit(e, 'size', [], { dim: d })
}

export function cast(e: Elaboration, node: Node, to: DType): Node {
  return node.dtype === to ? node : emit(e, 'cast', [node], { to })
}

export const reshape = (e: Elaboration, node: Node, shape: readonly Dim[]): Node =>
  build(e, [node], (b) => b.reshape(node, shape))
export const permute = (e: Elaboration, node: Node, order: readonly number[]): Node =>
  build(e, [node], (b) => b.permute(node, order))
/** Repeats a node to a shape that its own broadcasts to. */
export const broadcastTo = (e: Elaboration, node: Node, shape: readonly Dim[]): Node =>
  build(e, [node], (b) => b.broadcastTo(node, shape))

export interface Placed {
  readonly node: Node
  readonly span: Span
}

/** The shape two operands share after broadcasting; a fault shows both. */
export function broadcastShape(
  e: Elaboration,
  operation: string,
  span: Span,
  operands: readonly Placed[],
): readonly Dim[] {
  let shape: readonly Dim[] = operands[0]!.node.shape
  let so = operands[0]!
  for (const operand of operands.slice(1)) {
    const joined = joinShapes(shape, operand.node.shape)
    if (joined === undefined) return fail(e, shapes.shapesDiffer, differFacts(e, operation, span, so, operand))
    if (joined.length > shape.length || joined.some((d, i) => d !== shape[i])) so = operand
    shape = joined
  }
  return shape
}

function joinShapes(a: readonly Dim[], b: readonly Dim[]): readonly Dim[] | undefined {
  const rank = Math.max(a.length, b.length)
  const joined: Dim[] = []
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? one
    const y = b[b.length - rank + i] ?? one
    if (x !== y && x !== one && y !== one) return undefined
    joined.push(x === one ? y : x)
  }
  return joined
}

function differFacts(
  e: Elaboration,
  operation: string,
  span: Span,
  left: Placed,
  right: Placed,
): shapes.ShapesDifferFacts {
  const a = left.node
  const b = right.node
  for (let back = 1; back <= Math.min(a.shape.length, b.shape.length); back++) {
    const i = a.shape.length - back
    const j = b.shape.length - back
    const x = a.shape[i]!
    const y = b.shape[j]!
    if (x === y || x === one || y === one) continue
    return {
      operation,
      span,
      left: { span: left.span, type: typeText(a) },
      right: { span: right.span, type: typeText(b) },
      axis: back === 1 ? 'last' : `${ordinal(back)} from the last`,
      dims: [
        { text: dimText(x), source: dimSource(e, a, i) },
        { text: dimText(y), source: dimSource(e, b, j) },
      ],
    }
  }
  throw new Error('shapes that differ must differ in an axis')
}

const ordinal = (n: number): string => ['', 'first', 'second', 'third', 'fourth', 'fifth'][n] ?? `${n}th`

export const sameShape = sameDims

/** Applies an elementwise op after broadcasting its operands. */
export function elementwise(
  e: Elaboration,
  op:
    | 'add'
    | 'sub'
    | 'mul'
    | 'div'
    | 'pow'
    | 'minimum'
    | 'maximum'
    | 'floor_div'
    | 'modulo'
    | 'eq'
    | 'ne'
    | 'lt'
    | 'le'
    | 'and'
    | 'or'
    | 'select',
  operation: string,
  span: Span,
  operands: readonly Placed[],
): Node {
  const shape = broadcastShape(e, operation, span, operands)
  const nodes = operands.map((o) => o.node)
  return build(e, nodes, (b) =>
    b.node(
      op,
      nodes.map((n) => b.broadcastTo(n, shape)),
      {},
    ),
  )
}

/** Int operands become float where the other is float; bool does not take part in arithmetic. */
export function promote(e: Elaboration, operation: string, operands: readonly Placed[]): readonly Placed[] {
  for (const o of operands)
    if (o.node.dtype === 'bool')
      return fail(e, shapes.operandDtype, {
        span: o.span,
        operation,
        given: describe({ kind: 'tensor', node: o.node }),
        needed: 'numbers',
        convert: 'float(…)',
      })
  if (operands.every((o) => o.node.dtype === operands[0]!.node.dtype)) return operands
  return operands.map((o) => ({ span: o.span, node: cast(e, o.node, 'float') }))
}

export const lastAxes = (rank: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => rank - count + i)
export const dims = (sizes: readonly number[]): Dim[] => sizes.map((n) => dim(n))
