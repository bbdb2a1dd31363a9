/**
 * Graphs that differ in nothing but the names of their leaves have the same kernels: the layers of a stack of recurrences, each a loop
 * of its own, the same model with another rate of learning. They are fused once; what a kernel says of nodes is said anew.
 */
import { type Graph, type Node, nodesIn, type Origin, type Result } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import { withTensors } from '../ir/kernel-key.ts'
import { mixed } from '../ops/interning.ts'
import { Domains } from './domains.ts'
import { KeptKernels } from './kept.ts'
import { onNodes } from './kernel-parts.ts'
import { Likenesses } from './likeness.ts'
import { NodeKinds } from './node-kinds.ts'
import { originsOf } from './provenance.ts'

export interface FusedGraph {
  readonly kernels: readonly Kernel[]
  /** Where nodes come from, those among them that only fusion made. */
  readonly origins: Graph['origins']
  /** Its kernels with other results; `undefined` where they have to be searched for. */
  readonly ofResults?: ((results: readonly Result[]) => readonly Kernel[] | undefined) | undefined
}

interface Known extends FusedGraph {
  readonly limits: string
  readonly key: Int32Array
  readonly resultsKey: Int32Array
  readonly graph: Graph
  readonly nodes: readonly Node[]
  /** What was asked while it was fused, and answered. */
  readonly decisions: ReadonlyMap<number, boolean>
}

type IsMany = (times: number) => boolean

export class FusedGraphs {
  private readonly known = new Map<number, Known[]>()
  /** What differs between graphs that are not alike as a whole is alike in its parts. */
  readonly kinds = new NodeKinds()
  readonly domains = new Domains(this.kinds)
  readonly likenesses = new Likenesses(this.kinds, this.domains)
  readonly kernels = new KeptKernels()

  /** The kernels of a graph: those of one like it, if it was fused within the same limits by the same decisions. */
  kernelsOf(graph: Graph, limits: string, isMany: IsMany, fuse: (isMany: IsMany) => FusedGraph): readonly Kernel[] {
    const nodes = nodesWithReplaced(graph)
    const key = keyOf(nodes, this.kinds)
    const place = hashOf(key)
    const near = this.known.get(place) ?? []
    const resultsKey = keyOfResults(graph, nodes)
    const isAgreed = ({ decisions }: Known) => [...decisions].every(([times, many]) => isMany(times) === many)
    const alike = near.filter((other) => other.limits === limits && sameNumbers(other.key, key) && isAgreed(other))
    const same = alike.find((other) => sameNumbers(other.resultsKey, resultsKey))
    if (same) return kernelsAs(graph, nodes, same)
    for (const other of alike) {
      const kernels = other.ofResults?.(resultsIn(graph, nodes, other.nodes))
      if (!kernels || !isAgreed(other)) continue
      const known = { ...other, kernels, resultsKey, ofResults: undefined }
      this.known.set(place, [...near, known])
      return kernelsAs(graph, nodes, known)
    }
    const decisions = new Map<number, boolean>()
    const fused = fuse((times) => {
      const many = isMany(times)
      decisions.set(times, many)
      return many
    })
    this.known.set(place, [...near, { ...fused, limits, key, resultsKey, graph, nodes, decisions }])
    return fused.kernels
  }
}

/** A leaf that is replaced need not be read. */
function nodesWithReplaced(graph: Graph): readonly Node[] {
  const nodes = nodesIn(graph)
  const replaced = new Set<Node>()
  for (const { replaces } of graph.results) if (replaces) replaced.add(replaces)
  if (replaced.size === 0) return nodes
  for (const node of nodes) replaced.delete(node)
  return replaced.size > 0 ? [...nodes, ...replaced] : nodes
}

/** Equal for graphs whose nodes, in their order, do the same with the same nodes before them. */
function keyOf(nodes: readonly Node[], kinds: NodeKinds): Int32Array {
  let length = 0
  for (let at = 0; at < nodes.length; at++) {
    length += 1 + nodes[at]!.operands.length
  }
  const key = new Int32Array(length)
  const position = positionsOf(nodes)
  let end = 0
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at]!
    const { operands } = node
    // A kind has one number of operands.
    key[end++] = kinds.of(node)
    for (let o = 0; o < operands.length; o++) key[end++] = position[operands[o]!.id]!
  }
  return key
}

function positionsOf(nodes: readonly Node[]): Int32Array {
  let last = 0
  for (let at = 0; at < nodes.length; at++) if (nodes[at]!.id > last) last = nodes[at]!.id
  const position = new Int32Array(last + 1)
  for (let at = 0; at < nodes.length; at++) position[nodes[at]!.id] = at
  return position
}

function keyOfResults({ results }: Graph, nodes: readonly Node[]): Int32Array {
  const position = positionsOf(nodes)
  const key = new Int32Array(3 * results.length)
  let end = 0
  for (const { node, role, replaces } of results) {
    key[end++] = roleNumber(role)
    key[end++] = position[node.id]!
    key[end++] = replaces ? position[replaces.id]! : -1
  }
  return key
}

/** Results as those of nodes that are alike. */
function resultsIn({ results }: Graph, nodes: readonly Node[], others: readonly Node[]): Result[] {
  const position = positionsOf(nodes)
  return results.map(({ node, replaces, ...result }) => ({
    ...result,
    node: others[position[node.id]!]!,
    ...(replaces && { replaces: others[position[replaces.id]!]! }),
  }))
}

const roles: Result['role'][] = []
function roleNumber(role: Result['role']): number {
  const known = roles.indexOf(role)
  return known < 0 ? roles.push(role) - 1 : known
}

function hashOf(key: Int32Array): number {
  let hash = key.length
  for (let at = 0; at < key.length; at++) hash = mixed(hash, key[at]!)
  return hash
}
function sameNumbers(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

/** The kernels of a known graph as those of another. */
function kernelsAs(graph: Graph, nodes: readonly Node[], known: Known): Kernel[] {
  const here = new Map(known.nodes.map((node, at) => [node, nodes[at]!]))
  const firstFree = 1 + nodes.reduce((most, { id }) => Math.max(most, id), -1)
  const sources = new Map(
    known.nodes.flatMap((node) => {
      const list = known.graph.origins.get(node)
      return list ? [[list, node] as const] : []
    }),
  )
  const origins = new Map<Node, readonly Origin[]>()
  /** Nodes that only fusion made come after all of the graph's, and from where the node does that they were made for. */
  const of = (node: Node): Node => {
    const found = here.get(node)
    if (found) return found
    const made = Object.freeze({ ...node, id: firstFree + node.id, operands: node.operands.map(of) }) as Node
    here.set(node, made)
    const list = known.origins.get(node)
    const source = list && sources.get(list)
    const from = source && graph.origins.get(here.get(source)!)
    if (from) origins.set(made, from)
    return made
  }
  const originOf = { get: (node: Node) => origins.get(node) ?? graph.origins.get(node) }
  return known.kernels.map((kernel) => {
    const made = onNodes(kernel, of)
    return withTensors(made, { ...made, origins: originsOf(originOf, made.nodes) }, true)
  })
}
