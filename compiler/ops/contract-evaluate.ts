/**
 * Evaluates a contraction as a batched matrix product: both operands are packed densely (with zeros where an access
 * falls outside), a few rows at a time, so that the product's innermost loop is contiguous whatever the accesses are.
 */
import type { Access, ContractAttributes } from './contract.ts'
import type { Value } from './op.ts'
import { copyStrided, count, rowMajorStrides } from './values.ts'

type Sizes = ReadonlyMap<string, number>

/** Packed rows are held for at most this many elements. */
const chunkElements = 1 << 20

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
  const [batches, rows, columns, depth] = [batchNames, rowNames, columnNames, depthNames].map(extent) as [
    number,
    number,
    number,
    number,
  ]
  if (batches * rows * columns === 0 || depth === 0) return result

  const leftReader = reader(left, attributes.left, sizes, batchNames, rowNames, depthNames)
  const rightReader = reader(right, attributes.right, sizes, batchNames, columnNames, depthNames)
  const product = new Float64Array(batches * rows * columns)
  const rowChunk = Math.max(1, Math.min(rows, Math.floor(chunkElements / depth)))
  const columnChunk = Math.max(1, Math.min(columns, Math.floor(chunkElements / depth)))
  const leftPacked = new Float64Array(rowChunk * depth)
  const rightPacked = new Float64Array(columnChunk * depth)
  for (let batch = 0; batch < batches; batch++)
    for (let column = 0; column < columns; column += columnChunk) {
      const width = Math.min(columnChunk, columns - column)
      // Few columns are summed as dot products, many by adding multiples of rows.
      const dots = width < 6
      rightReader(rightPacked, batch, column, width, dots ? 'minor' : 'major')
      for (let row = 0; row < rows; row += rowChunk) {
        const height = Math.min(rowChunk, rows - row)
        leftReader(leftPacked, batch, row, height, 'minor')
        const start = (batch * rows + row) * columns + column
        const multiply = dots ? multiplyByDots : multiplyByRows
        multiply(leftPacked, rightPacked, product, start, columns, height, width, depth)
      }
    }

  const order = [...batchNames, ...rowNames, ...columnNames]
  const productStrides = rowMajorStrides(order.map((name) => sizes.get(name)!))
  const strides = attributes.output.map((name) => productStrides[order.indexOf(name)]!)
  copyStrided(result.data, 0, rowMajorStrides(result.shape), product, 0, strides, result.shape)
  return result
}

/** out[r, c] += Σₖ left[r, k] · right[k, c], four k at a time. */
function multiplyByRows(
  left: Float64Array,
  right: Float64Array,
  out: Float64Array,
  start: number,
  stride: number,
  rows: number,
  columns: number,
  depth: number,
): void {
  const whole = depth - (depth % 4)
  for (let r = 0; r < rows; r++) {
    const to = start + r * stride
    let k = 0
    for (; k < whole; k += 4) {
      const a = r * depth + k
      const [a0, a1, a2, a3] = [left[a]!, left[a + 1]!, left[a + 2]!, left[a + 3]!]
      const b0 = k * columns
      const b1 = b0 + columns
      const b2 = b1 + columns
      const b3 = b2 + columns
      for (let c = 0; c < columns; c++)
        out[to + c]! += a0 * right[b0 + c]! + a1 * right[b1 + c]! + a2 * right[b2 + c]! + a3 * right[b3 + c]!
    }
    for (; k < depth; k++) {
      const a0 = left[r * depth + k]!
      for (let c = 0; c < columns; c++) out[to + c]! += a0 * right[k * columns + c]!
    }
  }
}

/** out[r, c] += Σₖ left[r, k] · right[c, k]. */
function multiplyByDots(
  left: Float64Array,
  right: Float64Array,
  out: Float64Array,
  start: number,
  stride: number,
  rows: number,
  columns: number,
  depth: number,
): void {
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      let sum = 0
      for (let k = 0, a = r * depth, b = c * depth; k < depth; k++, a++, b++) sum += left[a]! * right[b]!
      out[start + r * stride + c]! += sum
    }
}

/** Fills `target` with lines `first … first + lines` of one batch: depth `minor` is [line, depth], `major` [depth, line]. */
type Reader = (target: Float64Array, batch: number, first: number, lines: number, depth: 'minor' | 'major') => void

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

  return (target, batch, first, lines, order) => {
    const [lineStep, depthStep] = order === 'minor' ? [depths, 1] : [1, lines]
    for (let line = 0; line < lines; line++) {
      const base = flatBatch[batch]! + flatLine[first + line]!
      let to = line * lineStep
      if (checked.length === 0) {
        for (let d = 0; d < depths; d++, to += depthStep) target[to] = data[base + flatDepth[d]!]!
        continue
      }
      for (let d = 0; d < depths; d++, to += depthStep) {
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
