/**
 * How a file of weights that another program wrote has a parameter: under which name, and what is done to it to make it
 * ours. A tensor is cut along its first axis into equal parts, of which some are taken in some order, then transposed.
 *
 *     storedAs('fc.weight')                                                     another name
 *     storedAs('dense.kernel', { transpose: true })                             [in, out] → [out, in]
 *     storedAs('attention.in_proj_weight', { of: 3, parts: [1] })               the second of q, k, v
 *     storedAs('lstm.weight_ih_l0', { of: 4, parts: [0, 1, 3, 2], transpose: true })   gates i f g o → i f o g
 */
export interface Stored {
  readonly key: string
  /** The shape that comes of the file's. */
  shape(inFile: readonly number[]): readonly number[]
  /** The bytes that come of the file's, elements of so many bytes. */
  bytes(inFile: Uint8Array, shape: readonly number[], width: number): Uint8Array
}

export interface Rearrangement {
  /** Into how many equal parts the first axis is cut. */
  readonly of?: number | undefined
  /** Which of them are taken, counted from 0, in this order; all unless given. */
  readonly parts?: readonly number[] | undefined
  /** Whether the two axes of what was taken change places. */
  readonly transpose?: boolean | undefined
}

export function storedAs(key: string, { of = 1, parts, transpose = false }: Rearrangement = {}): Stored {
  const taken = parts ?? Array.from({ length: of }, (_, i) => i)
  const cut = ([first = 1, ...others]: readonly number[]) => [(first / of) * taken.length, ...others]
  return {
    key,
    shape(inFile) {
      const shape = cut(inFile)
      return transpose ? shape.reverse() : shape
    },
    bytes(inFile, shape, width) {
      const size = inFile.length / of
      const chosen = new Uint8Array(size * taken.length)
      for (const [i, part] of taken.entries()) chosen.set(inFile.subarray(part * size, (part + 1) * size), i * size)
      if (!transpose) return chosen
      const [rows = 1, columns = 1] = cut(shape)
      const turned = new Uint8Array(chosen.length)
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) {
          const from = (r * columns + c) * width
          turned.set(chosen.subarray(from, from + width), (c * rows + r) * width)
        }
      return turned
    },
  }
}
