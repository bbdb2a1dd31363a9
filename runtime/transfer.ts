/** Host arrays ↔ the bytes of a tensor: what type of array a tensor takes, and its length checked. */
import type { DimValues, TensorSlot } from './abi.ts'
import { ShapeError } from './errors.ts'
import type { TensorData } from './executor.ts'
import { floatFromHalf, halfFromFloat } from './half.ts'
import { elements, evaluate } from './size.ts'

/** What holds a tensor's numbers on the host. */
export const arrayOf = { float: Float32Array, int: Int32Array, uint: Uint32Array, bool: Uint32Array } as const

/** The bytes to upload; a whole number of words. */
export function encode(slot: TensorSlot, data: TensorData, dims: DimValues): Uint8Array<ArrayBuffer> {
  const count = elements(slot.shape, dims)
  const Expected = arrayOf[slot.dtype]
  if (!(data instanceof Expected) || data.length !== count) {
    const shape = slot.shape.map((size) => evaluate(size, dims)).join(', ')
    throw new ShapeError(
      slot.name,
      `a ${Expected.name} of ${count} (shape [${shape}])`,
      `a ${data?.constructor?.name ?? typeof data} of ${data?.length ?? 0}`,
    )
  }
  if (slot.storage !== 'f16') return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
  const halves = new Uint16Array(count + (count % 2))
  for (let i = 0; i < count; i++) halves[i] = halfFromFloat(data[i]!)
  return new Uint8Array(halves.buffer)
}

/** The bytes a tensor lies in: a whole number of words. */
export function storedBytes(slot: TensorSlot, dims: DimValues): number {
  const count = elements(slot.shape, dims)
  return slot.storage === 'f16' ? 2 * (count + (count % 2)) : 4 * count
}

export function decode(slot: TensorSlot, bytes: ArrayBuffer, dims: DimValues): TensorData {
  if (slot.storage !== 'f16') return new arrayOf[slot.dtype](bytes)
  const halves = new Uint16Array(bytes, 0, elements(slot.shape, dims))
  return Float32Array.from(halves, floatFromHalf)
}
