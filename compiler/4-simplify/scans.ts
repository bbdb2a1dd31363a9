/**
 * Recurrences → the least that must be done step by step. Scans of one family become one, bodies are simplified, and what
 * needs no step's result leaves the loop: before it (`x_t @ Wx`), after it (`h_t @ Wy`), or as one sum over all steps
 * (the gradients of weights).
 */
import type { Graph, Node, Result } from '../ir/graph.ts'
import { printScanBody } from '../ir/print-graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { lowerOf } from '../ops/registry.ts'
import { type ScanAttributes, type ScanBody, scanOperands } from '../ops/scan.ts'
import { isFree } from '../ops/scan-build.ts'
import { dependenceOf } from './scan-dependence.ts'
import { hoisted } from './scan-hoist.ts'
import { liveScan, normalScan } from './scan-normal.ts'
import { Outside } from './scan-outside.ts'
import { closeScan, openScan, type Results, type ScanParts } from './scan-parts.ts'
import { sinkingOf } from './scan-sink.ts'
import { type WideScan, widened } from './scan-widen.ts'
import { nodesWithReplaced } from './sweep.ts'

type Simplify = (graph: Graph) => Graph

export function simplifyScans(graph: Graph, simplify: Simplify): { readonly graph: Graph; readonly changed: boolean } {
  const nodes = nodesWithReplaced(graph)
  const scans = nodes.filter((node) => node.op === 'scan')
  if (scans.length === 0) return { graph, changed: false }
  const wide = widened(scans)
  const used = new Map<WideScan, Set<number>>()
  for (const node of nodes) {
    if (node.op !== 'scan_result') continue
    const scan = wide.get(node.operands[0]!)!
    const index = scan.resultOf.get(node.operands[0]!)!(node.attributes.index)
    used.set(scan, new Set([...(used.get(scan) ?? []), index]))
  }

  const builder = new GraphBuilder()
  const copies = new Map<Node, Node>()
  const results = new Map<WideScan, Results>()
  const settled = new Set<string>()
  let changed = false
  for (const node of nodes)
    builder.withOrigin(graph.origins.get(node), () => {
      if (node.op === 'scan') {
        const scan = wide.get(node)!
        if (results.has(scan)) {
          changed = true
          return
        }
        const made = simplifyScan(
          builder,
          node.operands.map((o) => copies.get(o)!),
          scan.attributes,
          used.get(scan)!,
          simplify,
          settled,
        )
        results.set(scan, made.results)
        changed ||= made.changed
      } else if (node.op === 'scan_result') {
        const scan = wide.get(node.operands[0]!)!
        const index = scan.resultOf.get(node.operands[0]!)!(node.attributes.index)
        copies.set(node, results.get(scan)!.get(index)!)
      } else
        copies.set(
          node,
          builder.copy(
            node,
            node.operands.map((o) => copies.get(o)!),
          ),
        )
    })
  const moved = graph.results.map(
    ({ replaces, ...result }): Result => ({
      ...result,
      node: copies.get(result.node)!,
      ...(replaces && { replaces: copies.get(replaces)! }),
    }),
  )
  return changed
    ? { graph: { name: graph.name, results: moved, origins: builder.origins }, changed }
    : { graph, changed }
}

function simplifyScan(
  b: GraphBuilder,
  operands: readonly Node[],
  attributes: ScanAttributes,
  used: ReadonlySet<number>,
  simplify: Simplify,
  /** Scans of the graph that stay as they are: the layers of a stack mostly do alike. */
  settled: Set<string>,
) {
  const results: Results = new Map()
  const unchanged = () => {
    const same = b.node('scan', operands, attributes)
    return { results: new Map([...used].map((index) => [index, b.scanResult(same, index)])), changed: false }
  }
  const likeness = likenessOf(operands, attributes, used)
  if (likeness !== undefined && settled.has(likeness)) return unchanged()
  const parts = liveScan(normalScan(b, liveScan(openScan(operands, attributes, used), used), simplify, results), used)
  if (parts.layers) return layeredScan(b, parts, operands, attributes, used, results)
  const dependence = dependenceOf(parts)
  const { sums, yields } = sinkingOf(parts, dependence)
  const carries = parts.carries.filter((carry) => !sums.some(({ leaf }) => leaf === carry.leaf))
  const outside = new Outside(b, parts)

  if (carries.length > 0 || yields.length > 0) {
    const given = hoisted([...carries.map(({ next }) => next), ...yields], dependence, outside)
    const scan = closeScan(b, { ...parts, ...given, carries, yields })
    if (isUnchanged(scan as Node<'scan'>, operands, attributes, used)) {
      if (likeness !== undefined) settled.add(likeness)
      return unchanged()
    }
    for (const [i, { result }] of carries.entries()) results.set(result, b.scanResult(scan, i))
    for (const [i, node] of yields.entries()) outside.know(node, b.scanResult(scan, carries.length + i))
  }
  for (const { node, result } of parts.yields) results.set(result, outside.stack(node))
  for (const { result, initial, terms } of sums)
    results.set(
      result,
      terms.reduce(
        (sum, { node, negative }) => (negative ? b.sub(sum, outside.total(node)) : b.add(sum, outside.total(node))),
        initial,
      ),
    )
  return { results, changed: true }
}

/** A stack of layers keeps all its work: each turn is large, and what left the loop would be in memory for all turns. */
function layeredScan(
  b: GraphBuilder,
  parts: ScanParts,
  operands: readonly Node[],
  attributes: ScanAttributes,
  used: ReadonlySet<number>,
  results: Results,
) {
  const yields = [...new Set(parts.yields.map(({ node }) => node))]
  if (parts.carries.length === 0 && yields.length === 0) return { results, changed: true }
  const made = closeScan(b, { ...parts, yields }) as Node<'scan'>
  const changed = !isUnchanged(made, operands, attributes, used)
  const scan = changed ? made : b.node('scan', operands, attributes)
  if (!changed) return { results: new Map([...used].map((index) => [index, b.scanResult(scan, index)])), changed }
  for (const [i, { result }] of parts.carries.entries()) results.set(result, b.scanResult(scan, i))
  for (const { node, result } of parts.yields)
    results.set(result, b.scanResult(scan, parts.carries.length + yields.indexOf(node)))
  return { results, changed }
}

function isUnchanged(
  scan: Node<'scan'>,
  operands: readonly Node[],
  attributes: ScanAttributes,
  used: ReadonlySet<number>,
): boolean {
  const { carries, yields } = attributes.body
  return (
    scan.operands.length === operands.length &&
    scan.operands.every((node, i) => node === operands[i]) &&
    scan.attributes.body.carries.length === carries.length &&
    scan.attributes.body.yields.length === yields.length &&
    yields.every((_, i) => used.has(carries.length + i)) &&
    textOf(scan.attributes.body) === textOf(attributes.body)
  )
}

/**
 * Equal for scans that are simplified alike: the same body, the same results read, and operands of which the same ones are equal. An
 * operand that could be moved into the body has no likeness.
 */
function likenessOf(
  operands: readonly Node[],
  { length, reverse, layers, body }: ScanAttributes,
  used: ReadonlySet<number>,
): string | undefined {
  const { stacks, initials, captures } = scanOperands(operands, body)
  const isOpaque = (node: Node) => lowerOf(node).kind !== 'view' && !isFree(node)
  if (layers || ![...stacks, ...captures].every(isOpaque) || body.next.some((node, i) => node === body.carries[i]))
    return undefined
  const first = new Map<Node, number>()
  const places = [...stacks, ...initials, ...captures].map((node) => {
    const place = first.get(node) ?? first.size
    first.set(node, place)
    return place
  })
  return [length.key, reverse, [...used].sort((a, b) => a - b).join(), places.join(), textOf(body)].join(' | ')
}

/** Of a body that stays the same it is asked each round. */
function textOf(body: ScanBody): string {
  const text = texts.get(body) ?? printScanBody(body)
  texts.set(body, text)
  return text
}
const texts = new WeakMap<ScanBody, string>()
