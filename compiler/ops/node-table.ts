/**
 * The nodes of a graph under construction: each is checked against its op's type rule, interned, and remembered with
 * where it came from. `GraphBuilder` adds the words in which programs and gradients are written.
 */
import { sameDims } from '../ir/dim.ts'
import { type Graph, type Node, nodesOf, type Origin } from '../ir/graph.ts'
import { copyKey, internKey } from './interning.ts'
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

export class NodeTable {
  readonly #nodes = new Map<string, Node>()
  /** Lists are shared between nodes: one that gets another origin gets a list of its own. */
  readonly #origins = new Map<Node, readonly Origin[]>()
  readonly #maxNodes: number
  #current: readonly Origin[] = []
  #nextId = 0
  #asked = 0

  constructor({ maxNodes = 1e6 }: BuilderOptions = {}) {
    this.#maxNodes = maxNodes
  }

  /** A builder that goes on where a graph ends: its nodes are known, and new ones get greater ids. */
  static continuing<Made extends NodeTable>(
    this: new (
      options: BuilderOptions,
    ) => Made,
    results: Iterable<{ readonly node: Node }>,
    origins: ReadonlyMap<Node, readonly Origin[]> = new Map(),
    options: BuilderOptions = {},
  ): Made {
    const builder = new this(options)
    for (const node of nodesOf(results)) {
      builder.#nodes.set(internKey(node.op, node.operands, node.attributes), node)
      builder.#nextId = Math.max(builder.#nextId, node.id + 1)
      const known = origins.get(node)
      if (known) builder.#origins.set(node, known)
    }
    return builder
  }

  get origins(): ReadonlyMap<Node, readonly Origin[]> {
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
    const key = internKey(op, operands, attributes)
    let node = this.#nodes.get(key)
    if (!node) {
      const { shape, dtype } = opOf({ op }).type(operands, attributes as never)
      if (this.#nodes.size >= this.#maxNodes) throw new TooManyNodes(this.#maxNodes)
      node = Object.freeze({ id: this.#nextId++, op, operands, attributes, shape, dtype }) as unknown as Node
      this.#nodes.set(key, node)
    }
    this.#record(node)
    return node
  }

  /** A node of another graph, of this graph's operands. Those of the same types leave it its own, which is not asked for again. */
  copy(node: Node, operands: readonly Node[]): Node {
    if (!operands.every((operand, at) => sameType(operand, node.operands[at]!)))
      return this.node(node.op, operands, node.attributes as never)
    this.#asked++
    const key = copyKey(node.op, operands, node.attributes)
    let made = this.#nodes.get(key)
    if (!made) {
      const { op, attributes, shape, dtype } = node
      if (this.#nodes.size >= this.#maxNodes) throw new TooManyNodes(this.#maxNodes)
      made = Object.freeze({ id: this.#nextId++, op, operands, attributes, shape, dtype }) as unknown as Node
      this.#nodes.set(key, made)
    }
    this.#record(made)
    return made
  }

  #record(node: Node): void {
    if (this.#current.length === 0) return
    const known = this.#origins.get(node)
    if (known === this.#current) return
    if (!known) return void this.#origins.set(node, this.#current)
    let all = known
    for (const origin of this.#current)
      if (all.length < maxOrigins && !all.some((o) => o === origin || sameOrigin(o, origin))) all = [...all, origin]
    if (all !== known) this.#origins.set(node, all)
  }

  graph(name: string, results: Graph['results']): Graph {
    return { name, results, origins: this.#origins }
  }
}

const sameType = (a: Node, b: Node): boolean =>
  a.dtype === b.dtype && (a.shape === b.shape || sameDims(a.shape, b.shape))

const sameOrigin = (a: Origin, b: Origin): boolean =>
  a.role === b.role &&
  a.path === b.path &&
  a.span.start === b.span.start &&
  a.span.end === b.span.end &&
  a.span.source === b.span.source
