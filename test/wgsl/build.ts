/** Kernels by hand, for the tests of the printer: tensors, axes, indices and scalars with as little ceremony as possible. */
import { add, type Dim, dim, multiply, one, product, zero } from '../../compiler/ir/dim.ts'
import type { DType, Node } from '../../compiler/ir/graph.ts'
import type { Axis, Guard, Index, Kernel, KernelSlot, Scalar } from '../../compiler/ir/kernel.ts'
import type { ScalarFunction } from '../../compiler/ir/scalar.ts'

let ids = 0
export const size = (n: number | Dim): Dim => (typeof n === 'number' ? dim(n) : n)

/** A tensor: only its shape and dtype matter to a kernel. */
export function tensor(shape: readonly (number | Dim)[], dtype: DType = 'float'): Node {
  const node = { id: ids++, op: 'input', operands: [], attributes: {}, shape: shape.map(size), dtype }
  return node as unknown as Node
}
export const read = (node: Node): KernelSlot => ({ node, access: 'read' })
export const write = (node: Node): KernelSlot => ({ node, access: 'write' })
export const update = (node: Node): KernelSlot => ({ node, access: 'update' })

export const axis = (name: string, extent: number | Dim): Axis => ({ name, extent: size(extent) })
export const at = (a: Axis): Index => ({ kind: 'axis', axis: a })
export function sum(terms: readonly (readonly [number | Dim, Index])[], offset: number | Dim = 0): Index {
  return { kind: 'sum', terms: terms.map(([factor, index]) => ({ factor: size(factor), index })), offset: size(offset) }
}
/** The row-major flat index of axes or indices into a tensor of a shape. */
export function flat(shape: readonly Dim[], indices: readonly (Axis | Index)[]): Index {
  const terms: (readonly [Dim, Index])[] = []
  indices.forEach((index, i) => {
    const stride = product(shape.slice(i + 1))
    terms.push([stride, 'extent' in index ? at(index) : index])
  })
  return terms.length === 0 ? { kind: 'dim', dim: zero } : sum(terms)
}

export const num = (value: number, dtype: DType = 'float'): Scalar => ({ kind: 'number', value, dtype })
export function load(slots: readonly KernelSlot[], slot: number, indices: readonly (Axis | Index)[]): Scalar {
  const { node } = slots[slot]!
  return { kind: 'load', slot, index: flat(node.shape, indices), dtype: node.dtype }
}
const truth: ReadonlySet<ScalarFunction> = new Set(['eq', 'ne', 'lt', 'le', 'and', 'or', 'not', 'to_bool'])
export function apply(fn: ScalarFunction, ...args: Scalar[]): Scalar {
  const dtype: DType = truth.has(fn)
    ? 'bool'
    : fn === 'to_float' || fn === 'unit_float'
      ? 'float'
      : fn === 'to_int'
        ? 'int'
        : fn === 'to_uint' || fn === 'threefry'
          ? 'uint'
          : fn === 'select'
            ? args[1]!.dtype
            : args[0]!.dtype
  return { kind: 'apply', fn, arguments: args, dtype }
}
export const guarded = (guards: readonly Guard[], value: Scalar, otherwise: Scalar = num(0)): Scalar => ({
  kind: 'guarded',
  guards,
  value,
  otherwise,
  dtype: value.dtype,
})
export const isInside = (index: Index, limit: number | Dim): Guard => ({ kind: 'inside', index, size: size(limit) })
export const stage = (n: number, dtype: DType = 'float'): Scalar => ({ kind: 'stage', stage: n, dtype })
export const acc: Scalar = { kind: 'accumulator', dtype: 'float' }

export const base = (slots: readonly KernelSlot[]) =>
  ({ name: 'test', slots, nodes: [], origins: [], stops: [] }) satisfies Partial<Kernel>
export { add, multiply, one }
