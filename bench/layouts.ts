/** Tensors in the order of `workloads.ts` → the names and the order that the .dlm files of the workloads have. */
import type { ModelName, NamedTensor } from './workloads.ts'

const paths: readonly (readonly [from: RegExp, to: string])[] = [
  [/^l(\d)\./, 'blocks[$1].'],
  [/^lstm\.wx$/, 'lstm.weight_ih'],
  [/^lstm\.wh$/, 'lstm.weight_hh'],
  [/^lstm\.b$/, 'lstm.bias_ih'],
  [/^(emb|tok|pos|head)$/, '$1.weight'],
  [/\.[wg]$/, '.weight'],
  [/\.b$/, '.bias'],
]
/** Looked up by row: these stay as they are. */
const tables = new Set(['emb', 'tok', 'pos'])

export function asParameter(model: ModelName, tensor: NamedTensor): NamedTensor {
  const name = paths.reduce((text, [from, to]) => text.replace(from, to), tensor.name)
  const { shape } = tensor
  if (shape.length === 4) return { ...moved(tensor, [3, 2, 0, 1]), name }
  if (shape.length !== 2 || tables.has(tensor.name)) return { ...tensor, name }
  // The first dense layer after the filters reads [height, width, channels]; here channels come first.
  if (model === 'W2' && tensor.name === 'd1.w') {
    const split = moved({ ...tensor, shape: [4, 4, 20, 80] }, [3, 2, 0, 1])
    return { name, shape: [80, 320], data: split.data }
  }
  return { ...moved(tensor, [1, 0]), name }
}

export const asInput = (tensor: NamedTensor): NamedTensor =>
  tensor.shape.length === 4 ? moved(tensor, [0, 3, 1, 2]) : tensor

/** Axis i of the result is axis order[i] of the tensor. */
function moved(tensor: NamedTensor, order: readonly number[]): NamedTensor {
  const strides = tensor.shape.map((_, axis) => tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const shape = order.map((axis) => tensor.shape[axis]!)
  const data = tensor.data.slice()
  let at = 0
  const walk = (axis: number, from: number) => {
    if (axis === shape.length) {
      data[at++] = tensor.data[from]!
      return
    }
    for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, from + i * strides[order[axis]!]!)
  }
  walk(0, 0)
  return { ...tensor, shape, data }
}
