/**
 * A graph with recurrences → segments: kernels, a loop, kernels, …
 *
 * before: scans among other nodes        after: the work before each scan, its body as a loop of kernels, the work after
 *
 * A node's level is the number of scans before it on its longest way from the leaves. All nodes of a level are fused
 * together, as a graph of their own; what a later level or a scan reads of an earlier one gets a name. Views and
 * constants are repeated where they are read rather than stored.
 */
import { type Graph, type Node, nodesIn, nodesOf, type Origin, type Result } from '../ir/graph.ts'
import type { MapKernel } from '../ir/kernel.ts'
import type { KernelSegment, LoopSegment, Segment, ValueReference } from '../lowered.ts'
import { GraphBuilder } from '../ops/builder.ts'
import { lowerOf } from '../ops/registry.ts'
import { type ScanAttributes, scanOperands } from '../ops/scan.ts'
import { transplant } from '../ops/transplant.ts'
import { copyKernel } from './copy.ts'
import { type FuseOptions, fuse } from './fuse.ts'
import { joinInPlace } from './join-in-place.ts'
import { type LoopPlaces, loopKernels, placeResults } from './loops.ts'
import { wholeScan } from './whole-scan.ts'

export function fuseSegments(graph: Graph, options: FuseOptions = {}): Segment[] {
  return cut(graph, '', new Set(), options).map((segment) =>
    segment.kind === 'kernels' ? { ...segment, kernels: joinInPlace(segment.kernels, segment.results) } : segment,
  )
}

/** `stepped`: names of leaves that are slices of a stack, and so cannot be handed to an inner loop as they lie. */
function cut(graph: Graph, prefix: string, stepped: ReadonlySet<string>, options: FuseOptions): Segment[] {
  const nodes = nodesIn(graph)
  if (!nodes.some(isProjection)) return [{ kind: 'kernels', results: graph.results, kernels: fuse(graph, options) }]
  const level = levelsOf(nodes)
  const last = Math.max(0, ...level.values())

  const shown = yieldsOnce(nodes)
  const nameOf = (node: Node): string => `${prefix}%${shown(node).id}`
  /** What each level must leave behind for others. */
  const demanded = Array.from({ length: last + 1 }, () => new Set<Node>())
  const demand = (node: Node): string => {
    if (lowerOf(node).kind !== 'project') demanded[level.get(node)!]!.add(node)
    else read.add(shown(node))
    return nameOf(node)
  }
  /** Results of scans that anyone reads. */
  const read = new Set<Node>()
  const reference = (node: Node): ValueReference =>
    lowerOf(node).kind === 'leaf' && !isStepped(node, stepped)
      ? { kind: 'leaf', node }
      : { kind: 'cut', name: demand(node) }

  // From the end, so that each level knows what the later ones want of it.
  const pieces: Segment[][] = []
  for (let at = last; at >= 0; at--) {
    const loops = nodes.filter((n) => lowerOf(n).kind === 'scan' && level.get(n) === at)
    const made = loops.map((scan) => loopOf(scan as Node<'scan'>, nodes, read, reference, nameOf, prefix, options))
    const own = graph.results.filter(({ node }) =>
      lowerOf(node).kind === 'project' ? at === last : level.get(node) === at,
    )
    pieces.push([...kernelSegment(graph, at, own, demanded[at]!, level, demand, nameOf, options, last), ...made])
  }
  return pieces.reverse().flat()
}

/** What a body yields under two names is one stack: for a result of it, the first one. */
function yieldsOnce(nodes: readonly Node[]): (node: Node) => Node {
  const first = new Map<Node, Map<Node, Node>>()
  const same = new Map<Node, Node>()
  for (const node of nodes) {
    if (lowerOf(node).kind !== 'project') continue
    const scan = node.operands[0] as Node<'scan'>
    const { body } = scan.attributes
    const yielded = body.yields[(node.attributes as { index: number }).index - body.carries.length]
    if (!yielded) continue
    const known = first.get(scan) ?? new Map<Node, Node>()
    first.set(scan, known)
    const earlier = known.get(yielded)
    if (earlier) same.set(node, earlier)
    else known.set(yielded, node)
  }
  return (node) => same.get(node) ?? node
}

const isProjection = (node: Node): boolean => lowerOf(node).kind === 'project'

function levelsOf(nodes: readonly Node[]): Map<Node, number> {
  const level = new Map<Node, number>()
  for (const node of nodes) {
    const below = node.operands.reduce((most, operand) => Math.max(most, level.get(operand)!), 0)
    level.set(node, isProjection(node) ? below + 1 : below)
  }
  return level
}

const isStepped = (node: Node, stepped: ReadonlySet<string>): boolean =>
  stepped.has((node.attributes as { readonly name?: string }).name ?? '')

/** Costs nothing where it is read: a view, or a function of the index alone. */
function isFree(node: Node): boolean {
  const { kind } = lowerOf(node)
  return kind === 'view' || (kind === 'index' && node.operands.length === 0)
}

function kernelSegment(
  graph: Graph,
  at: number,
  own: readonly Result[],
  demanded: ReadonlySet<Node>,
  level: ReadonlyMap<Node, number>,
  demand: (node: Node) => string,
  nameOf: (node: Node) => string,
  options: FuseOptions,
  last: number,
): KernelSegment[] {
  if (own.length === 0 && demanded.size === 0) return []
  const builder = new GraphBuilder()
  const copies = new Map<Node, Node>()
  const isLeaf = (node: Node) => lowerOf(node).kind === 'leaf'
  const stays = (node: Node) =>
    isLeaf(node) || isFree(node) || (level.get(node) === at && lowerOf(node).kind !== 'project')

  const needed = new Set<Node>()
  const pending = [...own.flatMap((r) => [r.node, ...(r.replaces ? [r.replaces] : [])]), ...demanded]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (needed.has(node)) continue
    needed.add(node)
    if (stays(node)) pending.push(...node.operands)
  }
  for (const node of [...needed].sort((a, b) => a.id - b.id)) {
    const origins: readonly Origin[] | undefined = graph.origins.get(node)
    copies.set(
      node,
      builder.withOrigin(origins, () =>
        stays(node)
          ? builder.copy(
              node,
              node.operands.map((o) => copies.get(o)!),
            )
          : builder.input(demand(node), node.shape, node.dtype, 'cut'),
      ),
    )
  }
  const results: Result[] = own.map((result): Result => {
    const node = copies.get(result.node)!
    // A later level may still read what this replaces: then it is made aside and put there at the end.
    if (result.replaces && at < last) return { name: nameOf(result.node), node, role: 'cut' }
    return { ...result, node, ...(result.replaces && { replaces: copies.get(result.replaces)! }) }
  })
  for (const node of demanded) results.push({ name: nameOf(node), node: copies.get(node)!, role: 'cut' })
  if (at === last)
    for (const result of graph.results)
      if (result.replaces && level.get(result.node)! < last && lowerOf(result.node).kind !== 'project') {
        const leaf = builder.node(result.replaces.op, [], result.replaces.attributes as never)
        const made = builder.input(nameOf(result.node), result.node.shape, result.node.dtype, 'cut')
        results.push({ ...result, node: made, replaces: leaf })
      }
  return [{ kind: 'kernels', results, kernels: fuse({ name: graph.name, results, origins: builder.origins }, options) }]
}

function loopOf(
  scan: Node<'scan'>,
  nodes: readonly Node[],
  read: ReadonlySet<Node>,
  reference: (node: Node) => ValueReference,
  nameOf: (node: Node) => string,
  prefix: string,
  options: FuseOptions,
): LoopSegment {
  const { length, reverse, body }: ScanAttributes = scan.attributes
  const name = `${prefix}loop${scan.id}`
  const resultNode = (index: number) =>
    nodes.find(
      (n) =>
        lowerOf(n).kind === 'project' &&
        n.operands[0] === scan &&
        (n.attributes as { index: number }).index === index &&
        read.has(n),
    )

  const builder = new GraphBuilder()
  const leaves = new Map<Node, Node>()
  const leaf = (node: Node, of: string, i: number) =>
    leaves.set(node, builder.input(`${name}/${of}${i}`, node.shape, node.dtype, 'cut'))
  body.elements.forEach((node, i) => leaf(node, 'element', i))
  body.carries.forEach((node, i) => leaf(node, 'carry', i))
  body.captures.forEach((node, i) => leaf(node, 'capture', i))
  const copies = transplant(builder, [...body.next, ...body.yields], body.origins, leaves)

  const yields = body.yields.flatMap((node, i) => {
    const stack = resultNode(body.carries.length + i)
    return stack ? [{ node: copies.get(node)!, name: `${name}/yield${i}`, stack: nameOf(stack) }] : []
  })
  const results: Result[] = [
    ...body.next.map(
      (node, i): Result => ({
        name: `${name}/next${i}`,
        node: copies.get(node)!,
        role: 'cut',
        replaces: leaves.get(body.carries[i]!)!,
      }),
    ),
    ...yields.map((y): Result => ({ name: y.name, node: y.node, role: 'cut' })),
  ]
  const elements = new Map(body.elements.map((node, i) => [`${name}/element${i}`, node] as const))
  // Room for the turn's number and for second destinations.
  const inner = { ...options, maxSlots: (options.maxSlots ?? 8) - 2 }
  const segments = cut({ name, results, origins: builder.origins }, `${name}/`, new Set(elements.keys()), inner)
  const iteration = new GraphBuilder().input(name, [], 'int', 'iteration')
  const operands = scanOperands(scan.operands, body)
  const places: LoopPlaces = {
    iteration,
    length,
    reverse,
    elements: new Set(elements.keys()),
    yields: new Set(yields.map((y) => y.name)),
  }
  const given = [
    ...operands.stacks.map((node, i) => ({ name: `${name}/element${i}`, value: reference(node) })),
    ...operands.captures.map((node, i) => ({ name: `${name}/capture${i}`, value: reference(node) })),
  ]
  const carries = body.carries.map((node, i) => {
    const initial = operands.initials[i]!
    const lastNode = resultNode(i)
    const made = isMade(initial)
    if (!made) given.push({ name: `${name}/initial${i}`, value: reference(initial) })
    return {
      name: `${name}/carry${i}`,
      start: made
        ? makingKernel(initial, leaves.get(node)!, options)
        : copyKernel(builder.input(`${name}/initial${i}`, node.shape, node.dtype, 'cut'), leaves.get(node)!),
      last: lastNode && nameOf(lastNode),
      shape: node.shape,
      dtype: node.dtype,
    }
  })
  return {
    kind: 'loop',
    name,
    length,
    reverse,
    iteration,
    body: loopKernels(segments, places),
    ...wholeOf({ name, results, origins: builder.origins }, carries, places, options),
    given,
    carries,
    yields: yields.map(({ name: inside, stack, node }) => ({
      name: inside,
      stack,
      shape: [length, ...node.shape],
      dtype: node.dtype,
    })),
  }
}

/** The recurrence as one kernel, or why it is none. In one kernel the tensors of an arena are bound together, so it may read many. */
function wholeOf(
  graph: Graph,
  carries: LoopSegment['carries'],
  places: LoopPlaces,
  options: FuseOptions,
): Pick<LoopSegment, 'whole' | 'stop'> {
  if (nodesIn(graph).some((node) => lowerOf(node).kind === 'scan'))
    return { whole: undefined, stop: { kind: 'nested' } }
  const { results } = graph
  const placed = placeResults({ kernels: fuse(graph, { ...options, maxSlots: manySlots }), results }, places)
  const starts = carries.map(({ name, start, last }) => ({ name, kernel: start, last: last !== undefined }))
  const made = wholeScan(placed.kernels, placed.results, starts, places)
  return 'whole' in made ? { whole: made.whole, stop: undefined } : { whole: undefined, stop: made.stop }
}

const manySlots = 24

/** A function of the index alone, which costs less to make than to read. */
const isMade = (node: Node): boolean => nodesOf([{ node }]).every(isFree)

/** `made` written to the place of a leaf. */
function makingKernel(made: Node, leaf: Node, { known }: FuseOptions): MapKernel {
  const results: Result[] = [{ name: 'start', node: made, role: 'cut' }]
  const [kernel] = fuse({ name: 'start', results, origins: new Map() }, known ? { known } : {})
  if (kernel?.kind !== 'map') throw new Error(`%${made.id} ${made.op} is no function of the index`)
  return { ...kernel, slots: kernel.slots.map((slot) => (slot.node === made ? { ...slot, node: leaf } : slot)) }
}
