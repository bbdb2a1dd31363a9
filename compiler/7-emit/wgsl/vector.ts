/**
 * Four neighbouring elements as one vec4. A tensor can be bound as `array<vec4<f32>>` where all that a kernel asks of it in
 * vectors begins at multiples of four: then an index is `4·q + r` with a known r, and its element is component r of vector q.
 * What is asked of such a tensor otherwise takes a component by number.
 */
import { type Dim, dim, product, subtract } from '../../ir/dim.ts'
import { partsOf, sumIndex } from '../../ir/index.ts'
import type { Axis, Index, KernelSlot, Scalar, Store } from '../../ir/kernel.ts'
import { childrenOf } from './identity.ts'

export const vectorWidth = 4
export const components = ['x', 'y', 'z', 'w'] as const

/** Axes whose value, wherever they are bound, is a multiple of four. */
export type Aligned = ReadonlySet<Axis>

export const isMultiple = (size: Dim, of: number): boolean => size.terms.every((term) => term.coefficient % of === 0)

/** The innermost of the axes that is more than one element long. */
export const innermost = (axes: readonly Axis[]): Axis | undefined =>
  axes.findLast((axis) => axis.extent.constant !== 1)

/** The index as a multiple of four, and the component beyond it. */
export function quarter(index: Index, aligned: Aligned): { base: Index; component: number } | undefined {
  const { terms, offset } = partsOf(index)
  for (const { factor, index: term } of terms)
    if (!isMultiple(factor, vectorWidth) && !(term.kind === 'axis' && aligned.has(term.axis))) return undefined
  let component = 0
  for (const { coefficient, atoms } of offset.terms) {
    if (atoms.length === 0) component = ((coefficient % vectorWidth) + vectorWidth) % vectorWidth
    else if (coefficient % vectorWidth !== 0) return undefined
  }
  return { base: sumIndex(terms, subtract(offset, dim(component))), component }
}

/** Whether the index steps by one element along an aligned axis, and is aligned otherwise. */
export function runsAlong(index: Index, aligned: Aligned): boolean {
  const steps = partsOf(index).terms.some(
    ({ factor, index: term }) => factor.constant === 1 && term.kind === 'axis' && aligned.has(term.axis),
  )
  return steps && quarter(index, aligned) !== undefined
}

/** The slots that are bound as vectors: some load of them runs along, or every store to them does. */
export function vectorSlots(
  slots: readonly KernelSlot[],
  scalars: readonly Scalar[],
  stores: readonly Store[],
  aligned: Aligned,
): Set<number> {
  const found = new Set<number>()
  for (const load of loadsIn([...scalars, ...stores.map((s) => s.value)]))
    if (slots[load.slot]!.access === 'read' && runsAlong(load.index, aligned)) found.add(load.slot)
  for (const { slot } of stores)
    if (stores.every((s) => s.slot !== slot || runsAlong(s.index, aligned))) found.add(slot)
  for (const slot of found) {
    if (!isMultiple(product(slots[slot]!.node.shape), vectorWidth)) found.delete(slot)
  }
  return found
}

export function loadsIn(roots: readonly Scalar[]): Extract<Scalar, { kind: 'load' }>[] {
  const seen = new Set<object>()
  const loads: Extract<Scalar, { kind: 'load' }>[] = []
  const visit = (item: ReturnType<typeof childrenOf>[number]) => {
    if (seen.has(item)) return
    seen.add(item)
    if (item.kind === 'load') loads.push(item)
    for (const child of childrenOf(item)) visit(child)
  }
  for (const root of roots) visit(root)
  return loads
}
