/** Whether numbers are numbers, by their bits: the exponent of Inf and NaN is all ones. */
const exponent = 0x7f800000

/** The position of the first Inf or NaN, or −1. */
export function firstNotFinite(data: Float32Array): number {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length)
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponent) === exponent) return i
  return -1
}
