/**
 * Where a tensor is a known number, whatever the data: a causal mask is false beyond the diagonal, so the scores that it
 * hides are -inf there and the weights made of them 0.
 *
 *     le(iota_k, iota_q)      false where k > q
 *     select(…, score, -inf)  -inf  where k > q
 *     exp(… - max)            0     where k > q
 *
 * As everywhere in algebra of this kind, what is unknown is taken to be a finite number: 0 · x is 0. It is also taken to be
 * small beside numbers that only masks are made of, such as -1e9: scores of that size would have lost all their digits.
 */
import { add, type Dim, dim, one, scale, subtract } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { lowerOf, opOf } from '../registry.ts'
import { type Affine, difference } from './affine.ts'
import type { Link } from './links.ts'
import { emptyContext } from './number.ts'

/** The number where the index along `far` is more than that along `near` plus `beyond`. */
export interface Known {
  readonly far: number
  readonly near: number
  readonly beyond: Dim
  readonly value: number
}

/** What is known of an operand: everywhere, or in parts. */
export interface Facts {
  readonly number: number | undefined
  readonly known: readonly Known[]
  readonly affine: Affine | undefined
}

export function knownOf(node: Node, links: readonly Link[], facts: readonly Facts[]): readonly Known[] {
  const isCompared = node.op === 'le' || node.op === 'lt'
  if (!isCompared && facts.every(({ known }) => known.length === 0)) return nothing
  const { kind } = lowerOf(node)
  if (kind === 'map') return merged([...compared(node, facts), ...combined(node, facts)])
  if (kind === 'contract') return merged(facts.flatMap((f, operand) => moved(f.known.filter(isZero), links, operand)))
  if (node.op === 'reduce_sum') return moved(facts[0]!.known.filter(isZero), links, 0)
  if (node.op === 'reduce_max' || node.op === 'reduce_min') return moved(facts[0]!.known, links, 0)
  const stays = node.op === 'reshape' || node.op === 'permute' || node.op === 'broadcast' || node.op === 'slice'
  return stays ? moved(facts[0]!.known, links, 0) : nothing
}

const nothing: readonly Known[] = []

const isZero = ({ value }: Known): boolean => value === 0

/** Facts of an operand as facts of the result, where both axes are still there. */
function moved(known: readonly Known[], links: readonly Link[], operand: number): Known[] {
  const fixed = (axis: number) => links.find((l) => l.operand === operand && l.axis === axis && l.low === l.high)
  return known.flatMap(({ far, near, beyond, value }) => {
    const [f, n] = [fixed(far), fixed(near)]
    if (f?.result === undefined || n?.result === undefined) return []
    return [{ far: f.result, near: n.result, beyond: add(beyond, n.low, scale(f.low, -1)), value }]
  })
}

/** A comparison of indices: `i_k - i_q + c ≤ 0` is false where `i_k > i_q - c`, and true where `i_q > i_k + c - 1`. */
function compared(node: Node, facts: readonly Facts[]): Known[] {
  if (node.op !== 'le' && node.op !== 'lt') return []
  const [left, right] = facts
  if (!left?.affine || !right?.affine) return []
  const { terms, constant } = difference(left.affine, right.affine)
  const positive = [...terms].filter(([, factor]) => factor > 0)
  const negative = [...terms].filter(([, factor]) => factor < 0)
  if (positive.length !== 1 || negative.length !== 1) return []
  const [[a, factor]] = positive as [[number, number]]
  const [[b, other]] = negative as [[number, number]]
  if (a < 0 || b < 0 || factor !== -other) return []
  // On whole numbers `x < 0` is `x + 1 ≤ 0`; a common factor falls away.
  const c = node.op === 'lt' ? add(constant, one) : constant
  const scaled = factor === 1 ? c : c.constant === undefined ? undefined : dim(Math.ceil(c.constant / factor))
  if (!scaled) return []
  return [
    { far: a, near: b, beyond: scale(scaled, -1), value: 0 },
    { far: b, near: a, beyond: subtract(scaled, one), value: 1 },
  ]
}

/** What an elementwise op makes of numbers that are known in one region. */
function combined(node: Node, facts: readonly Facts[]): Known[] {
  const regions = facts.flatMap(({ known }) => known)
  return regions.flatMap((region) => {
    const values = facts.map(({ number, known }) => number ?? known.find((k) => covers(k, region))?.value)
    const value = partial(node, values)
    return value === undefined || Number.isNaN(value) ? [] : [{ ...region, value }]
  })
}

const covers = (a: Known, b: Known): boolean => a.far === b.far && a.near === b.near && atMost(a.beyond, b.beyond)

/** Of equal regions one; of two with one number the wider. */
function merged(known: readonly Known[]): Known[] {
  const kept: Known[] = []
  for (const k of known) {
    if (kept.some((other) => covers(other, k) && other.value === k.value)) continue
    kept.push(k)
  }
  return kept.slice(0, 8)
}

/** Whether a ≤ b for all sizes, as far as the coefficients show it. */
export function atMost(a: Dim, b: Dim): boolean {
  return subtract(b, a).terms.every((term) => term.coefficient > 0)
}

/** An elementwise op of numbers of which some are unknown, where the others decide. */
export function partial(node: Node, values: readonly (number | undefined)[]): number | undefined {
  if (values.every((value) => value !== undefined)) return computed(node, values)
  const [a, b, c] = values
  const is = (value: number) => a === value || b === value
  switch (node.op) {
    case 'select':
      return a === undefined ? undefined : a === 0 ? c : b
    case 'and':
      return is(0) ? 0 : undefined
    case 'or':
      return is(1) ? 1 : undefined
    case 'mul':
      return is(0) ? 0 : undefined
    case 'div':
      return a === 0 ? 0 : undefined
    case 'add':
      return heavy(a) ?? heavy(b)
    case 'sub':
      return heavy(a) ?? (heavy(b) === undefined ? undefined : -b!)
    case 'minimum':
      return is(Number.NEGATIVE_INFINITY) ? Number.NEGATIVE_INFINITY : undefined
    case 'maximum':
      return is(Number.POSITIVE_INFINITY) ? Number.POSITIVE_INFINITY : undefined
    default:
      return undefined
  }
}

/** What outweighs anything it is added to. */
const heavy = (value: number | undefined): number | undefined =>
  value !== undefined && Math.abs(value) >= leastHeavy ? value : undefined
const leastHeavy = 1e8

function computed(node: Node, values: readonly number[]): number {
  const operands = values.map((value, i) => ({
    shape: [],
    dtype: node.operands[i]!.dtype,
    data: Float64Array.of(value),
  }))
  const scalar = { ...node, shape: [] } as Node
  return opOf(node).evaluate(operands, node.attributes as never, emptyContext, scalar).data[0]!
}
