/** Checks a graph's invariants between passes: a fault here is a fault of the compiler, never of a user's program. */

import { internKey } from '../ops/interning.ts'
import { opOf } from '../ops/registry.ts'
import { printDims, sameDims } from './dim.ts'
import { type Graph, type Node, nodesOf } from './graph.ts'

export function verifyGraph(graph: Graph): void {
  const fail = (node: Node | undefined, what: string): never => {
    throw new Error(`graph ${graph.name}${node ? `, node ${node.id} (${node.op})` : ''}: ${what}`)
  }
  const nodes = nodesOf(graph.results)
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
