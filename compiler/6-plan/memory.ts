/** Arenas, and the places of values in them. */
import type { Arena } from '../../runtime/abi.ts'
import { toBase64 } from '../base64.ts'
import { add, type Dim, dim } from '../ir/dim.ts'
import type { Place } from './place.ts'
import { alignment, roundUp, toSize } from './sizes.ts'
import type { MemoryValue } from './staged.ts'

/** Collects arenas and the places of values in them. */
export class Memory {
  private readonly list: { name: string; role: Arena['role']; bytes: Dim; contents?: readonly MemoryValue[] }[] = []
  private readonly places = new Map<MemoryValue, { arena: number; offset: Dim }>()
  private readonly named = new Map<string, number>()

  fixed(name: string, role: Arena['role'], bytes: Dim): void {
    this.named.set(name, this.list.length)
    this.list.push({ name, role, bytes })
  }
  contiguous(name: string, role: Arena['role'], values: readonly MemoryValue[]): void {
    if (values.length === 0) return
    let end = dim(0)
    for (const value of values) {
      this.places.set(value, { arena: this.list.length, offset: end })
      end = add(end, roundUp(value.bytes, alignment))
    }
    this.list.push({ name, role, bytes: end, ...(role === 'constants' && { contents: values }) })
  }
  /** Numbers, where the runtime writes 0, 1, 2, … a unit apart. */
  numbered(name: string, values: ReadonlyMap<MemoryValue, number>): void {
    if (values.size === 0) return
    for (const [value, number] of values)
      this.places.set(value, { arena: this.list.length, offset: dim(alignment * number) })
    this.list.push({ name, role: 'turns', bytes: dim(alignment * (1 + Math.max(...values.values()))) })
  }
  colored(
    name: string,
    role: Arena['role'],
    placed: { places: ReadonlyMap<MemoryValue, Place>; sizes: readonly Dim[] },
  ): void {
    const first = this.list.length
    placed.sizes.forEach((bytes, color) => {
      this.list.push({ name: `${name}.${color}`, role, bytes })
    })
    for (const [value, { color, offset }] of placed.places) this.places.set(value, { arena: first + color, offset })
  }
  /** Of an arena of fixed contents. */
  indexOf(name: string): number {
    return this.named.get(name) ?? -1
  }
  place(value: MemoryValue): { arena: number; offset: Dim } {
    const place = this.places.get(value)
    if (!place) throw new Error(`no place for ${value.key}`)
    return place
  }
  /** Each arena ends with one spare unit, so that a tensor without elements can still be bound. */
  arenas(): Arena[] {
    return this.list.map(({ name, role, bytes, contents }) => ({
      name,
      role,
      bytes: toSize(add(bytes, dim(alignment))),
      ...(contents && { contents: encodeConstants(contents, (v) => this.place(v).offset.constant!) }),
    }))
  }
}

function encodeConstants(values: readonly MemoryValue[], offsetOf: (value: MemoryValue) => number): string {
  const end = Math.max(...values.map((v) => offsetOf(v) + v.bytes.constant!))
  const bytes = new DataView(new ArrayBuffer(end))
  for (const value of values) {
    if (value.class.kind !== 'constant') continue
    const start = offsetOf(value)
    const { data } = value.class
    for (let i = 0; i < data.length; i++) {
      if (value.storage === 'f32') bytes.setFloat32(start + 4 * i, data[i]!, true)
      else if (value.storage === 'i32') bytes.setInt32(start + 4 * i, data[i]!, true)
      else bytes.setUint32(start + 4 * i, data[i]!, true)
    }
  }
  return toBase64(new Uint8Array(bytes.buffer))
}
