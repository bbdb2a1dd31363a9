/** What passes ask of a node's attributes, whatever its op: which axes it adds or removes, what it repeats. */
import { ceilQuotient, dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { lowerOf } from './registry.ts'

/** The axes that a reduction removes; `undefined` where the node removes none (a fold is a reduction of windows). */
export function reducedAxes(node: Node): readonly number[] | undefined {
  return lowerOf(node).kind === 'reduce' && 'axes' in node.attributes
    ? (node.attributes.axes as readonly number[])
    : undefined
}

/** The axes that a view adds by repeating its operand; `undefined` for every other node. */
export function repeatedAxes(node: Node): readonly number[] | undefined {
  if (node.op !== 'broadcast') return undefined
  return node.shape.map((_, axis) => axis).filter((axis) => !node.attributes.axes.includes(axis))
}

/** How many windows of a fold cover one element; infinite where that is no fixed number. */
export function coveringWindows(node: Node): number {
  if (node.op !== 'fold') throw new Error(`${node.op} folds no windows`)
  const { axis, stride, dilation } = node.attributes
  const size = node.operands[0]!.shape[axis + 1]!
  return (dilation === 1 ? ceilQuotient(size, dim(stride)) : size).constant ?? Number.POSITIVE_INFINITY
}

/** The only element of a literal that has one. */
export function literalNumber(node: Node): number | undefined {
  return node.op === 'literal' && node.attributes.data.length === 1 ? node.attributes.data[0] : undefined
}

/** What a leaf holds that needs nobody to give it anything: the numbers of a literal, that of a stream; `undefined` for every other node. */
export function ownData(node: Node): readonly number[] | undefined {
  if (node.op === 'literal') return node.attributes.data
  return node.op === 'stream' ? [node.attributes.stream] : undefined
}

/** The path of a parameter; `undefined` for every other node. */
export function parameterPath(node: Node): string | undefined {
  return node.op === 'parameter' ? node.attributes.path : undefined
}

export const isContraction = (node: Node): node is Node<'contract'> => node.op === 'contract'

/** The number that a constant is at every element; `undefined` for every other node. */
export function constantNumber(node: Node): number | undefined {
  return node.op === 'constant' ? node.attributes.value : undefined
}

/** Whether a node has the elements of its operand in the same order, under another shape. */
export const keepsOrder = (node: Node): boolean => node.op === 'reshape'

/** The axis along which a node puts its operands one after another; `undefined` for every other node. */
export const joinedAxis = (node: Node): number | undefined => (node.op === 'concat' ? node.attributes.axis : undefined)
