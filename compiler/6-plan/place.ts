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

/** For each value, the values that some stage binds on its other side. */
export function opposites(entries: readonly StagedEntry[]): Map<MemoryValue, Set<MemoryValue>> {
  const sides = new Map<MemoryValue, Set<MemoryValue>>()
  const link = (a: MemoryValue, b: MemoryValue) => {
    const known = sides.get(a)
    if (known) known.add(b)
    else sides.set(a, new Set([b]))
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
  sides: ReadonlyMap<MemoryValue, ReadonlySet<MemoryValue>>,
): { places: Map<MemoryValue, Place>; sizes: readonly Dim[] } {
  const places = new Map<MemoryValue, Place>()
  const sizes: Dim[] = []
  for (const value of values) {
    const color = firstAllowed(value, sides, places, sizes.length)
    const offset = sizes[color] ?? dim(0)
    places.set(value, { color, offset })
    sizes[color] = add(offset, roundUp(value.bytes, alignment))
  }
  return { places, sizes }
}

function forbidden(
  value: MemoryValue,
  sides: ReadonlyMap<MemoryValue, ReadonlySet<MemoryValue>>,
  places: ReadonlyMap<MemoryValue, { color: number }>,
) {
  const colors = new Set<number>()
  for (const other of sides.get(value) ?? []) {
    const place = places.get(other)
    if (place) colors.add(place.color)
  }
  return colors
}
function firstAllowed(
  value: MemoryValue,
  sides: ReadonlyMap<MemoryValue, ReadonlySet<MemoryValue>>,
  places: ReadonlyMap<MemoryValue, Place>,
  colors: number,
): number {
  const not = forbidden(value, sides, places)
  for (let color = 0; color < colors; color++) if (!not.has(color)) return color
  return colors
}

/** Places the intermediates of entries that share storage; entries run one after another, so each starts with all blocks free. */
export function placeIntermediates(
  entries: readonly StagedEntry[],
  sides: ReadonlyMap<MemoryValue, ReadonlySet<MemoryValue>>,
): { places: Map<MemoryValue, Place>; sizes: readonly Dim[] } {
  const chosen = new Map<MemoryValue, { color: number; block: Block }>()
  const colors: Block[][] = []
  for (const entry of entries) {
    for (const blocks of colors) for (const block of blocks) block.freeFrom = 0
    const lastUse = new Map<MemoryValue, number>()
    entry.stages.forEach(({ bindings }, at) => {
      for (let i = 0; i < bindings.length; i++) lastUse.set(bindings[i]!.value, at)
    })
    const opening = new Map<number, MemoryValue[]>()
    for (const { value, from, to } of entry.lifetimes) {
      lastUse.set(value, Math.max(lastUse.get(value) ?? 0, to))
      opening.set(from, [...(opening.get(from) ?? []), value])
    }
    const choose = (value: MemoryValue, at: number): void => {
      if (value.class.kind !== 'intermediate' || chosen.has(value)) return
      const taken = takeBlock(value, at, colors, forbidden(value, sides, chosen))
      taken.block.freeFrom = lastUse.get(value)! + 1
      chosen.set(value, taken)
    }
    entry.stages.forEach(({ bindings }, at) => {
      for (const value of opening.get(at) ?? []) choose(value, at)
      for (let i = 0; i < bindings.length; i++) choose(bindings[i]!.value, at)
    })
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
  for (const [value, { color, block }] of chosen) places.set(value, { color, offset: offsets.get(block)! })
  return { places, sizes }
}

/** Among free blocks of allowed colours: the smallest that holds the value, else the largest that may grow, else a new one. */
function takeBlock(
  value: MemoryValue,
  at: number,
  colors: Block[][],
  not: ReadonlySet<number>,
): { color: number; block: Block } {
  let fits: { color: number; block: Block } | undefined
  let grows: { color: number; block: Block } | undefined
  for (let color = 0; color < colors.length; color++) {
    if (not.has(color)) continue
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
  const allowed = colors.findIndex((_, color) => !not.has(color))
  const color = allowed === -1 ? colors.length : allowed
  const block: Block = { bytes: value.bytes, freeFrom: 0 }
  const blocks = colors[color]
  if (blocks) blocks.push(block)
  else colors[color] = [block]
  return { color, block }
}
