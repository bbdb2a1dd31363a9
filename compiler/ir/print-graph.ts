/**
 * A graph as text, one node a line, operands before users:
 *
 *     graph Softmax.infer
 *       %0 = input image : float[batch, 28, 28]
 *       %1 = reshape %0 [batch, 784] : float[batch, 784]
 *     results
 *       logits = %1 (output)
 *
 * The body of a scan stands under it, its nodes numbered by themselves.
 *
 * Nodes are numbered by their place in the text, so that equal graphs print equally whatever built them.
 */

import { position } from '../../grammar/source.ts'
import { opOf } from '../ops/registry.ts'
import type { ScanBody } from '../ops/scan.ts'
import { printDims } from './dim.ts'
import { type Graph, type Node, nodesOf } from './graph.ts'

export function printGraph(graph: Graph, { origins = false }: { readonly origins?: boolean } = {}): string {
  const nodes = nodesOf(graph.results)
  const names = new Map(nodes.map((node, index) => [node, `%${index}`]))
  const lines = nodes.flatMap((node) => {
    const line = printNode(node, names)
    const body = node.op === 'scan' ? [printScanBody(node.attributes.body, '    ')] : []
    return [origins ? line + printOrigins(graph, node) : line, ...body]
  })
  const results = graph.results.map(({ name, node, role, replaces }) => {
    const target = replaces ? `, replaces ${names.get(replaces) ?? printAttributes(replaces)}` : ''
    return `  ${name} = ${names.get(node)!} (${role}${target})`
  })
  return [`graph ${graph.name}`, ...lines, 'results', ...results, ''].join('\n')
}

function printNode(node: Node, names: ReadonlyMap<Node, string>): string {
  const parts = [node.op, ...node.operands.map((operand) => names.get(operand)!), printAttributes(node)]
  return `  ${names.get(node)!} = ${parts.filter((part) => part !== '').join(' ')} : ${node.dtype}${printDims(node.shape)}`
}

/** The body of a scan: what it is given, its nodes, the carries after a step and what a step yields. */
export function printScanBody(body: ScanBody, indent = ''): string {
  const roles = [
    ['element', body.elements],
    ['carry', body.carries],
    ['capture', body.captures],
  ] as const
  const leaves = roles.flatMap(([role, list]) => list.map((leaf) => ({ role, leaf })))
  const bound = new Set(leaves.map(({ leaf }) => leaf))
  const nodes = nodesOf([...body.next, ...body.yields].map((node) => ({ node }))).filter((node) => !bound.has(node))
  const names = new Map([...leaves.map(({ leaf }) => leaf), ...nodes].map((node, i) => [node, `%${i}`]))
  const listed = (word: string, list: readonly Node[]) =>
    `  ${[word, ...list.map((node) => names.get(node)!)].join(' ')}`
  return [
    ...leaves.map(({ role, leaf }) => `  ${names.get(leaf)!} = ${role} : ${leaf.dtype}${printDims(leaf.shape)}`),
    ...nodes.flatMap((node) => [
      printNode(node, names),
      ...(node.op === 'scan' ? [printScanBody(node.attributes.body, '    ')] : []),
    ]),
    listed('next', body.next),
    listed('yield', body.yields),
  ]
    .flatMap((text) => text.split('\n'))
    .map((line) => indent + line)
    .join('\n')
}

/** As the op's row prints them, else each by its name. */
export function printAttributes(node: Node): string {
  const { print } = opOf(node)
  if (print) return print(node.attributes as never)
  return Object.entries(node.attributes)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

function printOrigins(graph: Graph, node: Node): string {
  const list = (graph.origins.get(node) ?? []).map(({ span, path, role }) => {
    const line = position(span.source, span.start).line
    return `${span.source.path}:${line}${path === '' ? '' : ` ${path}`}${role === 'forward' ? '' : ` ${role}`}`
  })
  return list.length === 0 ? '' : `  ; ${[...new Set(list)].join(', ')}`
}
