/**
 * Values → places: a colour (one buffer) and an offset for each.
 *
 * WebGPU forbids a dispatch to bind one buffer for reading and for writing, so values that meet on the two sides of a
 * dispatch get different colours. Inside a colour, intermediates reuse *blocks*: a block is free again after the last
 * reader of its value. Sizes are symbolic; a block takes a value when one size dominates the other for all dims, and
 * then has the greater of the two, so that the certified size stays a polynomial.
 */
import { add, type Dim, dim } from '../ir/dim.ts'
import { alignment, atMost, roundUp } from './sizes.ts'
import type { MemoryValue, StagedEntry } from './staged.ts'

export interface Place {
  readonly color: number
  readonly offset: Dim
}

interface Block {
  bytes: Dim
  freeFrom: number
}

/** For each value, by number, those that some stage binds on its other side. */
type Sides = readonly (ReadonlySet<MemoryValue> | undefined)[]

export function opposites(entries: readonly StagedEntry[]): Sides {
  const sides: (Set<MemoryValue> | undefined)[] = []
  const link = (a: MemoryValue, b: MemoryValue) => {
    const known = sides[a.number]
    if (known) known.add(b)
    else sides[a.number] = new Set([b])
  }
  for (const entry of entries)
    for (const { bindings, emitted } of entry.stages) {
      // A recurrence binds an arena once, for all it reads and writes there, as long as that is of one storage.
      const together = 'chunks' in emitted
      for (let i = 0; i < bindings.length; i++) {
        const w = bindings[i]!
        if (w.access !== 'write') continue
        for (let j = 0; j < bindings.length; j++) {
          const r = bindings[j]!
          if (r.value === w.value || !(together ? r.value.storage !== w.value.storage : r.access === 'read')) continue
          link(r.value, w.value)
          link(w.value, r.value)
        }
      }
    }
  return sides
}

/** Places values that keep their storage for ever (states, results): coloured, never reused. */
export function placePersistent(
  values: readonly MemoryValue[],
  sides: Sides,
): { places: Map<MemoryValue, Place>; sizes: readonly Dim[] } {
  const places = new Map<MemoryValue, Place>()
  const colored: { readonly color: number }[] = []
  const sizes: Dim[] = []
  for (const value of values) {
    const color = firstAllowed(forbidden(value, sides, colored), sizes.length)
    const offset = sizes[color] ?? dim(0)
    const place = { color, offset }
    places.set(value, place)
    colored[value.number] = place
    sizes[color] = add(offset, roundUp(value.bytes, alignment))
  }
  return { places, sizes }
}

/** The colours that a value may not have, each at its place. */
function forbidden(
  value: MemoryValue,
  sides: Sides,
  colored: readonly ({ readonly color: number } | undefined)[],
): readonly boolean[] {
  const not: boolean[] = []
  for (const other of sides[value.number] ?? []) {
    const place = colored[other.number]
    if (place) not[place.color] = true
  }
  return not
}
function firstAllowed(not: readonly boolean[], colors: number): number {
  for (let color = 0; color < colors; color++) if (!not[color]) return color
  return colors
}

/** Places the intermediates of entries that share storage; entries run one after another, so each starts with all blocks free. */
export function placeIntermediates(
  entries: readonly StagedEntry[],
  sides: Sides,
): { places: Map<MemoryValue, Place>; sizes: readonly Dim[] } {
  /** By number; and the values in the order in which they were placed. */
  const chosen: { readonly color: number; readonly block: Block }[] = []
  const placed: MemoryValue[] = []
  const colors: Block[][] = []
  for (const { stages, lifetimes } of entries) {
    for (const blocks of colors) for (const block of blocks) block.freeFrom = 0
    const lastUse: number[] = []
    for (let at = 0; at < stages.length; at++) {
      const { bindings } = stages[at]!
      for (let i = 0; i < bindings.length; i++) lastUse[bindings[i]!.value.number] = at
    }
    const opening = new Map<number, MemoryValue[]>()
    for (const { value, from, to } of lifetimes) {
      lastUse[value.number] = Math.max(lastUse[value.number] ?? 0, to)
      opening.set(from, [...(opening.get(from) ?? []), value])
    }
    const choose = (value: MemoryValue, at: number): void => {
      if (value.class.kind !== 'intermediate' || chosen[value.number]) return
      const taken = takeBlock(value, at, colors, forbidden(value, sides, chosen))
      taken.block.freeFrom = lastUse[value.number]! + 1
      chosen[value.number] = taken
      placed.push(value)
    }
    for (let at = 0; at < stages.length; at++) {
      const { bindings } = stages[at]!
      for (const value of opening.get(at) ?? []) choose(value, at)
      for (let i = 0; i < bindings.length; i++) choose(bindings[i]!.value, at)
    }
  }
  const offsets = new Map<Block, Dim>()
  const sizes = colors.map((blocks) => {
    let end = dim(0)
    for (const block of blocks) {
      offsets.set(block, end)
      end = add(end, roundUp(block.bytes, alignment))
    }
    return end
  })
  const places = new Map<MemoryValue, Place>()
  for (const value of placed) {
    const { color, block } = chosen[value.number]!
    places.set(value, { color, offset: offsets.get(block)! })
  }
  return { places, sizes }
}

/** Among free blocks of allowed colours: the smallest that holds the value, else the largest that may grow, else a new one. */
function takeBlock(
  value: MemoryValue,
  at: number,
  colors: Block[][],
  not: readonly boolean[],
): { color: number; block: Block } {
  let fits: { color: number; block: Block } | undefined
  let grows: { color: number; block: Block } | undefined
  for (let color = 0; color < colors.length; color++) {
    if (not[color]) continue
    const blocks = colors[color]!
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!
      if (block.freeFrom > at) continue
      if (atMost(value.bytes, block.bytes)) {
        if (!fits || atMost(block.bytes, fits.block.bytes)) fits = { color, block }
      } else if (!fits && atMost(block.bytes, value.bytes) && (!grows || atMost(grows.block.bytes, block.bytes)))
        grows = { color, block }
    }
  }
  if (fits) return fits
  if (grows) {
    grows.block.bytes = value.bytes
    return grows
  }
  const color = firstAllowed(not, colors.length)
  const block: Block = { bytes: value.bytes, freeFrom: 0 }
  const blocks = colors[color]
  if (blocks) blocks.push(block)
  else colors[color] = [block]
  return { color, block }
}
