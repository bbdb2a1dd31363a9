/** Contraction: sums of products of two operands; matrix product, einsum, convolution and the gradients of each. */
import { type Dim, dim, multiply, product } from '../ir/dim.ts'
import { evaluateContract } from './contract-evaluate.ts'
import { contractGradient } from './contract-gradient.ts'
import { contractSamples } from './contract-samples.ts'
import { fault, requireDtype } from './faults.ts'
import type { OpDef, TensorType } from './op.ts'
import { emptyValue } from './values.ts'

export interface ContractAxis {
  readonly name: string
  readonly size: Dim
}

/** The index along one operand axis: `(Σ stride·axis + offset) / divisor`; not divisible or out of range counts as 0. */
export interface Access {
  readonly terms: readonly { readonly axis: string; readonly stride: number }[]
  readonly offset: number
  readonly divisor: number
}

export interface ContractAttributes {
  readonly axes: readonly ContractAxis[]
  /** One access per axis of the left operand. */
  readonly left: readonly Access[]
  readonly right: readonly Access[]
  /** Names of the axes that the result keeps, in order; the others are summed over. */
  readonly output: readonly string[]
}

export const contract: OpDef<'contract', ContractAttributes> = {
  name: 'contract',
  doc: 'sums of products of two operands, each read at indices that are linear in the axes',
  lower: { kind: 'contract' },
  type: (operands, attributes) => {
    const { axes, left, right, output } = attributes
    for (let at = 0; at < axes.length; at++)
      if (placeOf(axes, axes[at]!.name) !== at) fault('contract', 'an axis is declared twice')
    requireAccesses(requireDtype(operands, 0, 'float'), left, axes, 0)
    requireAccesses(requireDtype(operands, 1, 'float'), right, axes, 1)
    for (let at = 0; at < axes.length; at++) {
      const { name } = axes[at]!
      if (!isRead(left, name) && !isRead(right, name)) fault('contract', 'an axis is read by no operand')
    }
    for (let at = 0; at < output.length; at++)
      if (output.indexOf(output[at]!) !== at) fault('contract', 'an axis is kept twice')
    const shape: Dim[] = []
    for (let at = 0; at < output.length; at++) {
      const place = placeOf(axes, output[at]!)
      shape.push(place < 0 ? fault('contract', 'an axis is kept that is not declared') : axes[place]!.size)
    }
    return { shape, dtype: 'float' }
  },
  gradient: (b, node, g, attributes) => [
    contractGradient(b, node, g, attributes, 'left'),
    contractGradient(b, node, g, attributes, 'right'),
  ],
  evaluate: ([left, right], attributes, context, node) => {
    const sizes = new Map(attributes.axes.map(({ name, size }) => [name, context.size(size)]))
    return evaluateContract(left!, right!, attributes, sizes, emptyValue(node, context))
  },
  cost: (_node, { axes }) => ({ flops: multiply(dim(2), product(axes.map(({ size }) => size))) }),
  samples: contractSamples,
  print: ({ axes, left, right, output }) =>
    `${printAccesses(left)}, ${printAccesses(right)} -> [${output.join(', ')}] over ${axes.map(({ name, size }) => `${name}=${size.key}`).join(' ')}`,
}

/** Whether an access reads the axis itself, so that no index falls outside. */
export function isPlainAccess(access: Access, size: Dim, sizes: ReadonlyMap<string, Dim>): boolean {
  const [term] = access.terms
  return (
    access.terms.length === 1 &&
    term!.stride === 1 &&
    access.offset === 0 &&
    access.divisor === 1 &&
    sizes.get(term!.axis) === size
  )
}

function placeOf(axes: readonly ContractAxis[], name: string): number {
  for (let at = 0; at < axes.length; at++) if (axes[at]!.name === name) return at
  return -1
}

/** Whether an axis is read, by an access other than one that is left out. */
function isRead(accesses: readonly Access[], name: string, without = -1): boolean {
  for (let at = 0; at < accesses.length; at++) {
    if (at === without) continue
    const { terms } = accesses[at]!
    for (let term = 0; term < terms.length; term++) if (terms[term]!.axis === name) return true
  }
  return false
}

function requireAccesses(
  operand: TensorType,
  accesses: readonly Access[],
  axes: readonly ContractAxis[],
  index: number,
): void {
  if (accesses.length !== operand.shape.length)
    fault('rank', `${accesses.length} axes are read of an operand with ${operand.shape.length}`, index)
  for (let at = 0; at < accesses.length; at++) {
    const { terms, divisor } = accesses[at]!
    // An axis of its own for each operand axis: what makes the gradient solvable, and rules out diagonals.
    let own = false
    for (let term = 0; term < terms.length; term++) {
      const { axis, stride } = terms[term]!
      if (placeOf(axes, axis) < 0 || !Number.isInteger(stride) || stride === 0)
        fault('contract', `the access of axis ${at} is malformed`, index)
      own ||= !isRead(accesses, axis, at)
    }
    if (divisor < 1) fault('contract', `the access of axis ${at} is malformed`, index)
    if (!own) fault('diagonal', `axis ${at} is read only together with another axis of the same operand`, index)
  }
}

function printAccesses(accesses: readonly Access[]): string {
  const one = ({ terms, offset, divisor }: Access): string => {
    const sum = terms.map(({ axis, stride }) => (stride === 1 ? axis : `${stride}*${axis}`)).join(' + ')
    const shifted = offset === 0 ? sum : `${sum} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`
    return divisor === 1 ? shifted : `(${shifted})/${divisor}`
  }
  return `[${accesses.map(one).join(', ')}]`
}
