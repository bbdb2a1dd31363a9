/**
 * Evaluates a contraction as a batched matrix product: both operands are packed densely (with zeros where an access
 * falls outside), a few rows at a time, so that the product's innermost loop is contiguous whatever the accesses are.
 */
import type { Access, ContractAttributes } from './contract.ts'
import type { Value } from './op.ts'
import { copyStrided, count, rowMajorStrides } from './values.ts'

type Sizes = ReadonlyMap<string, number>

/** Lines (rows of the left operand, columns of the right) are packed and multiplied four at a time. */
const panel = 4
/** Packed lines are held for about this many elements: half a megabyte stays in the processor's cache. */
const chunkElements = 1 << 16

export function evaluateContract(
  left: Value,
  right: Value,
  attributes: ContractAttributes,
  sizes: Sizes,
  result: Value,
): Value {
  const [inLeft, inRight] = [namesOf(attributes.left), namesOf(attributes.right)]
  const batchNames = attributes.output.filter((name) => inLeft.has(name) && inRight.has(name))
  const rowNames = attributes.output.filter((name) => !inRight.has(name))
  const columnNames = attributes.output.filter((name) => !inLeft.has(name))
  const depthNames = [...sizes.keys()].filter((name) => !attributes.output.includes(name))
  const extent = (names: readonly string[]) => count(names.map((name) => sizes.get(name)!))
  const batches = extent(batchNames)
  const rows = extent(rowNames)
  const columns = extent(columnNames)
  const depth = extent(depthNames)
  if (batches * rows * columns === 0 || depth === 0) return result

  const order = [...batchNames, ...rowNames, ...columnNames]
  const isInOrder = order.every((name, at) => name === attributes.output[at])
  const product =
    isInOrder && result.data instanceof Float64Array ? result.data : new Float64Array(batches * rows * columns)
  const leftReader = reader(left, attributes.left, sizes, batchNames, rowNames, depthNames)
  const rightReader = reader(right, attributes.right, sizes, batchNames, columnNames, depthNames)
  const chunk = (lines: number) =>
    Math.min(panel * Math.ceil(lines / panel), panel * Math.max(1, Math.floor(chunkElements / depth / panel)))
  const [rowChunk, columnChunk] = [chunk(rows), chunk(columns)]
  const leftPacked = new Float64Array(rowChunk * depth)
  const rightPacked = new Float64Array(columnChunk * depth)
  for (let batch = 0; batch < batches; batch++)
    for (let column = 0; column < columns; column += columnChunk) {
      const width = Math.min(columnChunk, columns - column)
      rightReader(rightPacked, batch, column, width)
      for (let row = 0; row < rows; row += rowChunk) {
        const height = Math.min(rowChunk, rows - row)
        leftReader(leftPacked, batch, row, height)
        const start = (batch * rows + row) * columns + column
        multiply(leftPacked, rightPacked, product, start, columns, height, width, depth)
      }
    }
  if (product === result.data) return result
  const productStrides = rowMajorStrides(order.map((name) => sizes.get(name)!))
  const strides = attributes.output.map((name) => productStrides[order.indexOf(name)]!)
  copyStrided(result.data, 0, rowMajorStrides(result.shape), product, 0, strides, result.shape)
  return result
}

/** `out[r, c] += Σₖ left[r, k] · right[c, k]` for packed panels: sixteen sums at a time stay in registers. */
function multiply(
  left: Float64Array,
  right: Float64Array,
  out: Float64Array,
  start: number,
  stride: number,
  rows: number,
  columns: number,
  depth: number,
): void {
  const tile = new Float64Array(panel * panel)
  for (let column = 0; column < columns; column += panel)
    for (let row = 0; row < rows; row += panel) {
      multiplyPanels(left, row * depth, right, column * depth, depth, tile)
      const [height, width] = [Math.min(panel, rows - row), Math.min(panel, columns - column)]
      for (let r = 0; r < height; r++)
        for (let c = 0; c < width; c++) out[start + (row + r) * stride + column + c]! += tile[panel * r + c]!
    }
}

function multiplyPanels(
  left: Float64Array,
  leftStart: number,
  right: Float64Array,
  rightStart: number,
  depth: number,
  tile: Float64Array,
): void {
  let [s00, s01, s02, s03] = [0, 0, 0, 0]
  let [s10, s11, s12, s13] = [0, 0, 0, 0]
  let [s20, s21, s22, s23] = [0, 0, 0, 0]
  let [s30, s31, s32, s33] = [0, 0, 0, 0]
  const end = leftStart + panel * depth
  for (let a = leftStart, b = rightStart; a < end; a += panel, b += panel) {
    const b0 = right[b]!
    const b1 = right[b + 1]!
    const b2 = right[b + 2]!
    const b3 = right[b + 3]!
    const a0 = left[a]!
    s00 += a0 * b0
    s01 += a0 * b1
    s02 += a0 * b2
    s03 += a0 * b3
    const a1 = left[a + 1]!
    s10 += a1 * b0
    s11 += a1 * b1
    s12 += a1 * b2
    s13 += a1 * b3
    const a2 = left[a + 2]!
    s20 += a2 * b0
    s21 += a2 * b1
    s22 += a2 * b2
    s23 += a2 * b3
    const a3 = left[a + 3]!
    s30 += a3 * b0
    s31 += a3 * b1
    s32 += a3 * b2
    s33 += a3 * b3
  }
  tile[0] = s00
  tile[1] = s01
  tile[2] = s02
  tile[3] = s03
  tile[4] = s10
  tile[5] = s11
  tile[6] = s12
  tile[7] = s13
  tile[8] = s20
  tile[9] = s21
  tile[10] = s22
  tile[11] = s23
  tile[12] = s30
  tile[13] = s31
  tile[14] = s32
  tile[15] = s33
}

/** Packs lines `first … first + lines` of one batch into panels `[line / 4, depth, line % 4]`. */
type Reader = (target: Float64Array, batch: number, first: number, lines: number) => void

/**
 * The place of an element is a sum of parts by batch, line and depth. Operand axes that can never be read outside add
 * up to one flat part; the others (`checked`) keep a part each, to be tested for range and divisibility.
 */
function reader(
  operand: Value,
  accesses: readonly Access[],
  sizes: Sizes,
  batchNames: readonly string[],
  lineNames: readonly string[],
  depthNames: readonly string[],
): Reader {
  const strides = rowMajorStrides(operand.shape)
  const checked: {
    divisor: number
    size: number
    stride: number
    batch: Int32Array
    line: Int32Array
    depth: Int32Array
  }[] = []
  const flat = new Map<string, number>()
  let flatOffset = 0
  for (const [axis, access] of accesses.entries()) {
    const size = operand.shape[axis]!
    if (access.divisor === 1 && staysInside(access, size, sizes)) {
      for (const term of access.terms) flat.set(term.axis, (flat.get(term.axis) ?? 0) + term.stride * strides[axis]!)
      flatOffset += access.offset * strides[axis]!
    } else {
      const own = new Map(access.terms.map((term) => [term.axis, term.stride]))
      checked.push({
        divisor: access.divisor,
        size,
        stride: strides[axis]!,
        batch: parts(batchNames, sizes, own, access.offset),
        line: parts(lineNames, sizes, own, 0),
        depth: parts(depthNames, sizes, own, 0),
      })
    }
  }
  const flatBatch = parts(batchNames, sizes, flat, flatOffset)
  const flatLine = parts(lineNames, sizes, flat, 0)
  const flatDepth = parts(depthNames, sizes, flat, 0)
  const { data } = operand
  const depths = flatDepth.length

  return (target, batch, first, lines) => {
    for (let line = 0; line < lines; line++) {
      const base = flatBatch[batch]! + flatLine[first + line]!
      let to = (line - (line % panel)) * depths + (line % panel)
      if (checked.length === 0) {
        for (let d = 0; d < depths; d++, to += panel) target[to] = data[base + flatDepth[d]!]!
        continue
      }
      for (let d = 0; d < depths; d++, to += panel) {
        let from = base + flatDepth[d]!
        for (let c = 0; c < checked.length; c++) {
          const axis = checked[c]!
          let index = axis.batch[batch]! + axis.line[first + line]! + axis.depth[d]!
          if (axis.divisor !== 1) index = index % axis.divisor === 0 ? index / axis.divisor : -1
          if (index < 0 || index >= axis.size) {
            from = -1
            break
          }
          from += index * axis.stride
        }
        target[to] = from < 0 ? 0 : data[from]!
      }
    }
  }
}

/** Σ stride·index for every index of the named axes, in row-major order. */
function parts(
  names: readonly string[],
  sizes: Sizes,
  strides: ReadonlyMap<string, number>,
  offset: number,
): Int32Array {
  let list = new Int32Array([offset])
  for (const name of names) {
    const [size, stride] = [sizes.get(name)!, strides.get(name) ?? 0]
    const next = new Int32Array(list.length * size)
    for (let i = 0, at = 0; i < list.length; i++) for (let k = 0; k < size; k++) next[at++] = list[i]! + k * stride
    list = next
  }
  return list
}

function staysInside(access: Access, size: number, sizes: Sizes): boolean {
  let [least, greatest] = [access.offset, access.offset]
  for (const { axis, stride } of access.terms) {
    const reach = stride * (sizes.get(axis)! - 1)
    if (reach < 0) least += reach
    else greatest += reach
  }
  return least >= 0 && greatest < size
}

function namesOf(accesses: readonly Access[]): Set<string> {
  return new Set(accesses.flatMap(({ terms }) => terms.map(({ axis }) => axis)))
}
