/** Checks a graph's invariants between passes: a fault here is a fault of the compiler, never of a user's program. */

import { internKey } from '../ops/interning.ts'
import { opOf } from '../ops/registry.ts'
import { ownData } from '../ops/structure.ts'
import { printDims, sameDims } from './dim.ts'
import { type Graph, type Node, nodesOf } from './graph.ts'

export function verifyGraph(graph: Graph): void {
  const fail: Fail = (node, what) => {
    throw new Error(`graph ${graph.name}${node ? `, node ${node.id} (${node.op})` : ''}: ${what}`)
  }
  const nodes = nodesOf(graph.results)
  verifyNodes(nodes, fail)
  for (const node of nodes) if (node.op === 'bound') fail(node, 'it stands outside of the body that it is bound in')
  const names = new Set<string>()
  for (const { name, node, replaces } of graph.results) {
    if (names.has(name)) fail(node, `two results are called ${name}`)
    names.add(name)
    if (!replaces) continue
    if (opOf(replaces).lower.kind !== 'leaf') fail(replaces, `result ${name} replaces what is no leaf`)
    if (replaces.dtype !== node.dtype || !sameDims(replaces.shape, node.shape))
      fail(node, `result ${name} does not fit the leaf that it replaces`)
  }

  const leaves = new Map<string, Node>()
  for (const node of nodes) {
    const attributes: { readonly name?: string; readonly path?: string } =
      opOf(node).lower.kind === 'leaf' ? (node.attributes as object) : {}
    const name = attributes.name ?? attributes.path
    if (name === undefined) continue
    const key = `${node.op} ${name}`
    if (leaves.has(key)) fail(node, `two leaves are called ${name}`)
    leaves.set(key, node)
  }
}

type Fail = (node: Node | undefined, what: string) => never

/** Ids, types and interning of the nodes of one graph or body, and of the bodies in it. */
function verifyNodes(nodes: readonly Node[], fail: Fail): void {
  const ids = new Set<number>()
  const keys = new Set<string>()
  for (const node of nodes) {
    if (ids.has(node.id)) fail(node, 'two nodes share its id')
    ids.add(node.id)
    for (const operand of node.operands)
      if (operand.id >= node.id) fail(node, `operand ${operand.id} does not come before it`)
    const { shape, dtype } = opOf(node).type(node.operands, node.attributes as never)
    if (dtype !== node.dtype || !sameDims(shape, node.shape))
      fail(node, `its type is ${node.dtype}${printDims(node.shape)}, its op gives ${dtype}${printDims(shape)}`)
    const key = internKey(node.op, node.operands, node.attributes)
    if (keys.has(key)) fail(node, 'an equal node exists: it was made outside the builder')
    keys.add(key)
  }
  for (const node of nodes) if (node.op === 'scan') verifyBody(node, fail)
}

/** A body refers to nothing but its own leaves, and its results have the types of what they become. */
function verifyBody(scan: Node<'scan'>, fail: Fail): void {
  const { body } = scan.attributes
  const leaves = [...body.elements, ...body.carries, ...body.captures]
  const bound = new Set(leaves)
  if (bound.size !== leaves.length) fail(scan, 'two leaves of its body are one')
  if (leaves.some((leaf) => leaf.op !== 'bound')) fail(scan, 'a leaf of its body is not bound')
  if (body.next.length !== body.carries.length) fail(scan, 'a carry of its body has no next value')
  const nodes = nodesOf([...body.next, ...body.yields].map((node) => ({ node })))
  for (const node of nodes)
    if (opOf(node).lower.kind === 'leaf' && ownData(node) === undefined && !bound.has(node))
      fail(node, 'the body of a scan reads it, and is not given it')
  verifyNodes(nodes, fail)
}
