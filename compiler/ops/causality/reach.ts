/**
 * A graph and its streams (inputs that come position by position) → how far into the sequence each element looks.
 *
 * A node's *reach* gives for some of its axes a number c: the element at indices i depends on positions of the streams up
 * to the greatest i_a + c_a. Scores q · k reach {q: 0, k: 0}; under a causal mask they are a known number wherever k > q, so
 * what is left reaches {q: 0}. A node without a reach depends on no stream. Where all positions are read (a sum over the
 * axis that nothing masks, a recurrence that runs backwards), the search ends with the node that does it.
 */
import { add, type Dim, dim, zero } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { lowerOf } from '../registry.ts'
import { scanOperands } from '../scan.ts'
import { affineOf } from './affine.ts'
import { atMost, type Facts, type Known, knownOf, partial } from './known.ts'
import { type Link, linksOf } from './links.ts'

export type Reach = ReadonlyMap<number, Dim>

export interface Timing extends Facts {
  readonly reach: Reach
  /** How its elements are read; of what comes as it is, and of recurrences, nothing is said. */
  readonly links: readonly Link[]
}

/** Why a graph has no incremental form. */
export type Ahead =
  | 'reads-all'
  | 'runs-backwards'
  | 'last-state'
  | 'reads-later'
  | 'pairs'
  | 'mixed'
  | 'recurrence'
  | 'random'

/** A node that looks into the future, or of which it cannot be proven that it does not. */
export class LooksAhead extends Error {
  readonly node: Node
  readonly why: Ahead
  constructor(node: Node, why: Ahead) {
    super(`%${node.id} ${node.op} ${why}`)
    this.node = node
    this.why = why
  }
}

/** A recurrence that is not one over the positions, of a fixed number of turns: it is to be written out. */
export class NeedsUnrolling extends Error {
  readonly scan: Node<'scan'>
  constructor(scan: Node<'scan'>) {
    super('unroll')
    this.scan = scan
  }
}

/** `streams`: the axis of each input that counts positions. `nodes`: operands first. */
export function timingOf(nodes: readonly Node[], streams: ReadonlyMap<Node, number>): ReadonlyMap<Node, Timing> {
  const timing = new Map<Node, Timing>()
  const none: Timing = { reach: nowhere, known: [], affine: undefined, number: undefined, links: [] }
  for (const node of nodes) {
    const axis = streams.get(node)
    const { kind } = lowerOf(node)
    if (axis !== undefined) timing.set(node, { ...none, reach: new Map([[axis, zero]]) })
    else if (kind === 'scan') timing.set(node, { ...none, reach: scanReach(node as Node<'scan'>, timing) })
    else if (kind === 'project') timing.set(node, { ...none, reach: resultReach(node, timing) })
    else timing.set(node, timingOfNode(node, timing))
  }
  return timing
}

const nowhere: Reach = new Map()

function timingOfNode(node: Node, timing: ReadonlyMap<Node, Timing>): Timing {
  const links = linksOf(node)
  const facts = node.operands.map((operand) => timing.get(operand)!)
  const known = knownOf(node, links, facts)
  const affine = affineOf(node, links, (operand) => timing.get(operand)!.affine)
  const isStill = facts.every(({ reach }) => reach.size === 0)
  const reach = isStill ? nowhere : refined(reachOf(node, links, facts), known)
  return { reach, known, affine, number: numberOf(node, facts), links }
}

function numberOf(node: Node, facts: readonly Facts[]): number | undefined {
  if (node.op === 'constant') return node.attributes.value
  if (facts.every(({ number }) => number === undefined)) return undefined
  const { kind } = lowerOf(node)
  if (kind === 'map')
    return partial(
      node,
      facts.map(({ number }) => number),
    )
  const keeps = node.op === 'broadcast' || node.op === 'reshape' || node.op === 'permute' || node.op === 'slice'
  return keeps ? facts[0]!.number : undefined
}

function reachOf(node: Node, links: readonly Link[], facts: readonly Timing[]): Map<number, Dim> {
  const reach = new Map<number, Dim>()
  const include = (axis: number, ahead: Dim) => {
    const known = reach.get(axis)
    if (known === undefined || atMost(known, ahead)) reach.set(axis, ahead)
    else if (!atMost(ahead, known)) throw new LooksAhead(node, 'reads-later')
  }
  for (const [operand, { reach: given }] of facts.entries())
    for (const [axis, ahead] of given) {
      const link = links.find((l) => l.operand === operand && l.axis === axis)!
      if (link.result !== undefined) {
        const further = add(ahead, link.high)
        // A prefix sum holds all that came before, so that it is never further ahead than its last element.
        include(link.result, isRunning(node, link.axis) && atMost(further, zero) ? zero : further)
        continue
      }
      const upTo = masked(link, links, facts, ahead)
      if (!upTo) throw new LooksAhead(node, reasonOf(node))
      include(upTo.axis, upTo.ahead)
    }
  return reach
}

const isRunning = (node: Node, axis: number): boolean => node.op === 'cumsum' && node.attributes.axis === axis

function reasonOf(node: Node): Ahead {
  switch (lowerOf(node).kind) {
    case 'view':
      return 'mixed'
    case 'running':
      return 'runs-backwards'
    default:
      return 'reads-all'
  }
}

/**
 * What is read all along an axis, where elements beyond some place do not count: they are a known number themselves, or the
 * other factor of a product is 0 there.
 */
function masked(
  link: Link,
  links: readonly Link[],
  facts: readonly Timing[],
  ahead: Dim,
): { readonly axis: number; readonly ahead: Dim } | undefined {
  let best: { readonly axis: number; readonly ahead: Dim } | undefined
  for (const other of links) {
    const own = other === link
    if (!own && (!link.summed || other.operand === link.operand || other.summed?.name !== link.summed.name)) continue
    const offset = own ? zero : dim(link.summed!.offset - other.summed!.offset)
    for (const { far, near, beyond, value } of facts[other.operand]!.known) {
      if (far !== other.axis || (!own && value !== 0)) continue
      const kept = links.find((l) => l.operand === other.operand && l.axis === near)
      if (kept?.result === undefined || kept.low !== kept.high) continue
      const most = add(ahead, beyond, kept.low, offset)
      if (!best || atMost(most, best.ahead)) best = { axis: kept.result, ahead: most }
    }
  }
  return best
}

/** Where a tensor is a known number beyond a place that it depends on in any case, what lies beyond adds nothing. */
function refined(reach: Map<number, Dim>, known: readonly Known[]): Reach {
  for (const { far, near, beyond } of known) {
    const [ahead, before] = [reach.get(far), reach.get(near)]
    if (ahead !== undefined && before !== undefined && atMost(add(ahead, beyond), before)) reach.delete(far)
  }
  return reach
}

/** A recurrence over positions reads at each step what has come; one of fixed length may be anything. */
function scanReach(scan: Node<'scan'>, timing: ReadonlyMap<Node, Timing>): Reach {
  const { body, length, reverse } = scan.attributes
  const { stacks, initials, captures } = scanOperands(scan.operands, body)
  const reachOfNode = (node: Node) => timing.get(node)!.reach
  if (scan.operands.every((operand) => reachOfNode(operand).size === 0)) return new Map()
  const alongPositions =
    [...initials, ...captures].every((node) => reachOfNode(node).size === 0) &&
    stacks.every((stack) => [...reachOfNode(stack).keys()].every((axis) => axis === 0))
  if (!alongPositions) {
    if (length.constant !== undefined && length.constant <= mostTurns) throw new NeedsUnrolling(scan)
    throw new LooksAhead(scan, 'recurrence')
  }
  if (reverse) throw new LooksAhead(scan, 'runs-backwards')
  let most: Dim = zero
  for (const stack of stacks)
    for (const ahead of reachOfNode(stack).values()) {
      if (atMost(most, ahead)) most = ahead
      else if (!atMost(ahead, most)) throw new LooksAhead(scan, 'reads-later')
    }
  return new Map([[0, most]])
}
const mostTurns = 256

function resultReach(node: Node, timing: ReadonlyMap<Node, Timing>): Reach {
  const scan = node.operands[0] as Node<'scan'>
  const { reach } = timing.get(scan)!
  if (reach.size === 0) return reach
  if ((node.attributes as { index: number }).index < scan.attributes.body.carries.length)
    throw new LooksAhead(node, 'last-state')
  return reach
}
