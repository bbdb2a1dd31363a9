/**
 * The nodes of a graph under construction: each is checked against its op's type rule, interned, and remembered with
 * where it came from. `GraphBuilder` adds the words in which programs and gradients are written.
 */
import { sameDims } from '../ir/dim.ts'
import { type Graph, type Node, nodesOf, type Origin, type Origins } from '../ir/graph.ts'
import { OriginLists } from '../ir/origins.ts'
import { isSame, likenessOf, nextPlace, placeOf } from './interning.ts'
import type { TensorType } from './op.ts'
import { type OpAttributes, type OpName, opOf } from './registry.ts'

/** Raised when a graph grows past the cap; the checker words it with the instantiation path. */
export class TooManyNodes extends Error {
  readonly limit: number
  constructor(limit: number) {
    super(`the graph has more than ${limit} nodes`)
    this.limit = limit
  }
}

export interface BuilderOptions {
  readonly maxNodes?: number
}

/** A node is listed under at most this many origins: a shared constant may come from everywhere. */
const maxOrigins = 16

/** A node that was asked for, and on behalf of what. */
export interface Asked {
  readonly node: Node
  readonly origins: readonly Origin[]
}

export class NodeTable {
  /** By the place of each node, or where that was taken by another, the next one. */
  readonly #nodes = new Map<number, Node>()
  readonly #origins = new OriginLists()
  readonly #maxNodes: number
  #current: readonly Origin[] = []
  #nextId = 0
  #asked = 0
  /** Where the node is that was looked for last, or would be. */
  #place = 0
  #log: Asked[] | undefined

  constructor({ maxNodes = 1e6 }: BuilderOptions = {}) {
    this.#maxNodes = maxNodes
  }

  /** A builder that goes on where a graph ends: its nodes are known, and new ones get greater ids. */
  static continuing<Made extends NodeTable>(
    this: new (
      options: BuilderOptions,
    ) => Made,
    results: Iterable<{ readonly node: Node }>,
    origins?: Origins,
    options: BuilderOptions = {},
  ): Made {
    const builder = new this(options)
    for (const node of nodesOf(results)) {
      let place = placeOf(node.likeness, node.operands)
      while (builder.#nodes.has(place)) place = nextPlace(place)
      builder.#nodes.set(place, node)
      builder.#nextId = Math.max(builder.#nextId, node.id + 1)
      const known = origins?.get(node)
      if (known) builder.#origins.set(node, known)
    }
    return builder
  }

  get origins(): Origins {
    return this.#origins
  }
  /** The id of the next new node; ids grow along every edge. */
  get nextId(): number {
    return this.#nextId
  }
  get nodeCount(): number {
    return this.#nodes.size
  }
  /** Times that a node was asked for, equal ones included. */
  get asked(): number {
    return this.#asked
  }

  /** Nodes made (or met again) from here on are recorded as coming from the origins. */
  comeFrom(origins: readonly Origin[] | undefined): void {
    this.#current = origins ?? []
  }

  /** Nodes made (or met again) inside `make` are recorded as coming from the origins. */
  withOrigin<T>(origin: Origin | readonly Origin[] | undefined, make: () => T): T {
    const before = this.#current
    this.#current = origin === undefined ? [] : 'span' in origin ? [origin] : origin
    try {
      return make()
    } finally {
      this.#current = before
    }
  }

  /** The node of an op, made unless an equal one exists; throws `ShapeFault` where the operands do not fit. */
  node<P extends OpName>(op: P, operands: readonly Node[], attributes: OpAttributes[P]): Node {
    this.#asked++
    const likeness = likenessOf(op, attributes)
    let node = this.#find(likeness, op, operands, attributes)
    if (node === undefined) {
      const type = opOf({ op }).type(operands, attributes as never)
      node = this.#make(op, operands, attributes, type, likeness)
    }
    this.met(node)
    return node
  }

  /** A node of another graph, of this graph's operands. Those of the same types leave it its own, which is not asked for again. */
  copy(node: Node, operands: readonly Node[]): Node {
    const { op, attributes, likeness } = node
    for (let at = 0; at < operands.length; at++)
      if (!sameType(operands[at]!, node.operands[at]!)) return this.node(op, operands, attributes as never)
    this.#asked++
    const found = this.#find(likeness, op, operands, attributes)
    const made = found ?? this.#make(op, operands, attributes, node, likeness)
    this.met(made)
    return made
  }

  /** The same, as coming from the origins. */
  copyFrom(origins: readonly Origin[] | undefined, node: Node, operands: readonly Node[]): Node {
    const before = this.#current
    this.#current = origins ?? []
    const made = this.copy(node, operands)
    this.#current = before
    return made
  }

  #find(likeness: number, op: OpName, operands: readonly Node[], attributes: object): Node | undefined {
    const nodes = this.#nodes
    let place = placeOf(likeness, operands)
    let node = nodes.get(place)
    while (node !== undefined && !isSame(node, op, operands, attributes)) {
      place = nextPlace(place)
      node = nodes.get(place)
    }
    this.#place = place
    return node
  }

  /** Makes what was not found. */
  #make(
    op: OpName,
    operands: readonly Node[],
    attributes: object,
    { shape, dtype }: TensorType,
    likeness: number,
  ): Node {
    if (this.#nodes.size >= this.#maxNodes) throw new TooManyNodes(this.#maxNodes)
    const id = this.#nextId++
    const node = Object.freeze({ id, op, operands, attributes, shape, dtype, likeness }) as unknown as Node
    this.#nodes.set(this.#place, node)
    return node
  }

  /** Whatever is asked for inside `make`, in order. */
  asking<T>(make: () => T): { readonly value: T; readonly asked: readonly Asked[] } {
    const outer = this.#log
    const asked: Asked[] = []
    this.#log = asked
    try {
      return { value: make(), asked }
    } finally {
      this.#log = outer
      if (outer) for (const each of asked) outer.push(each)
    }
  }

  /** A node of this table is asked for again: it comes from where we are, too. */
  met(node: Node): void {
    const current = this.#current
    if (this.#log) this.#log.push({ node, origins: current })
    if (current.length === 0) return
    const known = this.#origins.get(node)
    if (known === current) return
    let all = known ?? current
    for (let at = 0; known && at < current.length; at++)
      if (all.length < maxOrigins && !includes(all, current[at]!)) all = [...all, current[at]!]
    if (all !== known) this.#origins.set(node, all)
  }

  graph(name: string, results: Graph['results']): Graph {
    return { name, results, origins: this.#origins }
  }
}

const sameType = (a: Node, b: Node): boolean =>
  a.dtype === b.dtype && (a.shape === b.shape || sameDims(a.shape, b.shape))

function includes(origins: readonly Origin[], origin: Origin): boolean {
  for (let at = 0; at < origins.length; at++)
    if (origins[at] === origin || sameOrigin(origins[at]!, origin)) return true
  return false
}

const sameOrigin = (a: Origin, b: Origin): boolean =>
  a.role === b.role &&
  a.path === b.path &&
  a.span.start === b.span.start &&
  a.span.end === b.span.end &&
  a.span.source === b.span.source
