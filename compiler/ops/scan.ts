/**
 * Recurrence. A `scan` runs a body once for each position of an axis: elements are slices of its stacks, carries go from
 * one step to the next, captures stay the same. Its results are tensors of their own, read by `scan_result`.
 *
 * The body is a graph apart: its leaves are `bound` nodes, it refers to nothing outside, and it is compared by identity.
 */
import { add, type Dim, dim, multiply, sameDims } from '../ir/dim.ts'
import type { DType, Node, Origins } from '../ir/graph.ts'
import { nodesOf } from '../ir/graph.ts'
import { fault } from './faults.ts'
import type { OpDef, TensorType, Value } from './op.ts'
import { opOf } from './registry.ts'
import { evaluateScan } from './scan-evaluate.ts'
import { scanGradient } from './scan-gradient.ts'
import { free } from './values.ts'

export interface BoundAttributes {
  /** Unique in its builder. */
  readonly id: number
  readonly shape: readonly Dim[]
  readonly dtype: DType
}
export const bound: OpDef<'bound', BoundAttributes> = {
  name: 'bound',
  doc: 'what the body of a scan is given: an element, a carry or a captured tensor',
  lower: { kind: 'leaf' },
  type: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: undefined,
  evaluate: (_operands, _attributes, context, node) => context.leaf(node),
  cost: () => free,
  samples: [],
  print: ({ id }) => `b${id}`,
}

export interface ScanBody {
  /** Bodies that differ only in further yields are of one family: the widest can stand for the others. */
  readonly family: object
  readonly elements: readonly Node[]
  readonly carries: readonly Node[]
  readonly captures: readonly Node[]
  /** The carries after the step. */
  readonly next: readonly Node[]
  readonly yields: readonly Node[]
  readonly origins: Origins
}

export interface ScanAttributes {
  readonly length: Dim
  /** From the last position to the first; stacks and yields keep the order of the sequence. */
  readonly reverse: boolean
  /**
   * The axis is a stack of layers, not time: a turn is work enough by itself, so all of it stays in the loop. Work for all
   * turns at once would cost the memory of all turns.
   */
  readonly layers?: true
  readonly body: ScanBody
}

/** The operands of a scan, told apart: stacks (axis 0 is the scanned one), first carries, captures. */
export function scanOperands<T>(operands: readonly T[], { elements, carries }: ScanBody) {
  const carriesAt = elements.length
  const capturesAt = carriesAt + carries.length
  return {
    stacks: operands.slice(0, carriesAt),
    initials: operands.slice(carriesAt, capturesAt),
    captures: operands.slice(capturesAt),
  }
}

/** Types of the results: last carries, then stacked yields. */
export function scanResultTypes({ length, body }: ScanAttributes): TensorType[] {
  return [
    ...body.carries.map(({ shape, dtype }) => ({ shape, dtype })),
    ...body.yields.map(({ shape, dtype }) => ({ shape: [length, ...shape], dtype })),
  ]
}

export const scan: OpDef<'scan', ScanAttributes> = {
  name: 'scan',
  doc: 'the results of running a body along an axis; read by scan_result',
  lower: { kind: 'scan' },
  type: (operands, attributes) => {
    const { length, body } = attributes
    if (operands.length !== body.elements.length + body.carries.length + body.captures.length)
      fault('count-differs', 'a scan lacks operands')
    const { stacks, initials, captures } = scanOperands(operands, body)
    const check = (given: readonly TensorType[], wanted: readonly Node[], prefix: readonly Dim[]) =>
      given.forEach((type, i) => {
        const want = wanted[i]!
        if (type.dtype !== want.dtype || !sameDims(type.shape, [...prefix, ...want.shape]))
          fault('dims-differ', 'an operand of a scan does not fit its body')
      })
    check(stacks, body.elements, [length])
    check(initials, body.carries, [])
    check(captures, body.captures, [])
    check(body.next, body.carries, [])
    // A scan is a tuple; as a node it is typed like a scalar so that gradients flow through it.
    return { shape: [], dtype: 'float' }
  },
  gradient: undefined,
  tupleGradient: scanGradient,
  evaluate: evaluateScan,
  cost: (_node, { length, body }) => ({ flops: multiply(length, bodyFlops(body)) }),
  samples: [],
  print: ({ length, reverse, layers, body }) =>
    `over ${length.key}${reverse ? ' reverse' : ''}${layers ? ' layers' : ''} carries=${body.carries.length} yields=${body.yields.length}`,
}

const bodyFlops = (body: ScanBody): Dim =>
  add(
    dim(0),
    ...nodesOf([...body.next, ...body.yields].map((node) => ({ node }))).map(
      (node) => opOf(node).cost(node, node.attributes as never).flops,
    ),
  )

export interface ScanResultAttributes {
  readonly index: number
  readonly shape: readonly Dim[]
  readonly dtype: DType
}
export const scanResult: OpDef<'scan_result', ScanResultAttributes> = {
  name: 'scan_result',
  doc: 'one result of a scan: a last carry, or a yield stacked along a new first axis',
  lower: { kind: 'project' },
  type: (_, { shape, dtype }) => ({ shape, dtype }),
  gradient: undefined,
  evaluate: ([tuple], { index }) => (tuple as Value).parts![index]!,
  cost: () => free,
  samples: [],
  print: ({ index }) => `${index}`,
}
