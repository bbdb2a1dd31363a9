/**
 * Nodes of a step, wherever they were made → a scan. What the step reads of the graph around it becomes a capture, so a
 * body may be written with any tensor in scope; what does not depend on the step stays outside and is computed once.
 */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { GraphBuilder } from './builder.ts'
import { lowerOf } from './registry.ts'
import { transplant } from './transplant.ts'

export interface ScanParts {
  readonly length: Dim
  readonly reverse: boolean
  readonly layers?: true | undefined
  readonly elements: readonly { readonly leaf: Node; readonly stack: Node }[]
  readonly carries: readonly { readonly leaf: Node; readonly initial: Node; readonly next: Node }[]
  /** Leaves of the step that stand for tensors outside; used where the step lives in a graph of its own. */
  readonly captures?: readonly { readonly leaf: Node; readonly value: Node }[]
  readonly yields: readonly Node[]
}

/** Makes the scan in `builder`; `inner` is where the step's nodes live, often the same builder. */
export function makeScan(builder: GraphBuilder, inner: GraphBuilder, parts: ScanParts): Node {
  const { length, reverse, layers, elements, carries, captures: given = [], yields } = parts
  const next = carries.map((c) => c.next)
  const leaves = new Set([...elements, ...carries, ...given].map(({ leaf }) => leaf))
  const varying = dependents([...next, ...yields], leaves)
  const body = new GraphBuilder()
  const copies = new Map<Node, Node>()
  const rebind = (leaf: Node): Node => {
    const copy = body.bound(leaf.shape, leaf.dtype)
    copies.set(leaf, copy)
    return copy
  }
  const bodyElements = elements.map(({ leaf }) => rebind(leaf))
  const bodyCarries = carries.map(({ leaf }) => rebind(leaf))
  const bodyCaptures = given.map(({ leaf }) => rebind(leaf))
  const captured = given.map(({ value }) => value)
  for (const node of nodesDownTo([...next, ...yields], leaves)) {
    if (copies.has(node)) continue
    const read = varying.has(node) ? node.operands : next.includes(node) || yields.includes(node) ? [node] : []
    for (const operand of read)
      if (!varying.has(operand) && !copies.has(operand) && !isFree(operand)) {
        // What a step in a graph of its own reads without a leaf are numbers: they are written outside as well.
        captured.push(inner === builder ? operand : transplant(builder, [operand], inner.origins).get(operand)!)
        bodyCaptures.push(rebind(operand))
      }
  }
  const moved = transplant(body, [...next, ...yields], inner.origins, copies)
  const attributes = {
    length,
    reverse,
    ...(layers && { layers }),
    body: {
      family: {},
      elements: bodyElements,
      carries: bodyCarries,
      captures: bodyCaptures,
      next: next.map((n) => moved.get(n)!),
      yields: yields.map((n) => moved.get(n)!),
      origins: body.origins,
    },
  }
  return builder.node(
    'scan',
    [...elements.map((e) => e.stack), ...carries.map((c) => c.initial), ...captured],
    attributes,
  )
}

/** The nodes behind the roots that depend on one of the leaves. */
function dependents(roots: readonly Node[], leaves: ReadonlySet<Node>): Set<Node> {
  const found = new Set<Node>(leaves)
  for (const node of nodesDownTo(roots, leaves)) if (node.operands.some((o) => found.has(o))) found.add(node)
  return found
}

/** What costs nothing to have in the body as well: a function of the index alone, and views of one. */
export function isFree(node: Node): boolean {
  const { kind } = lowerOf(node)
  return (kind === 'index' && node.operands.length === 0) || (kind === 'view' && node.operands.every(isFree))
}

/** What the roots are made of, operands first, the leaves included and nothing behind them. */
export function nodesDownTo(roots: readonly Node[], leaves: { readonly has: (node: Node) => boolean }): Node[] {
  const seen = new Set<Node>()
  const pending = [...roots]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    if (!leaves.has(node)) pending.push(...node.operands)
  }
  return [...seen].sort((a, b) => a.id - b.id)
}
