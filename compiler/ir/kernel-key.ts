/**
 * A kernel → text that is equal for kernels of equal structure: the layers of a stack, and what inference, evaluation and
 * training have in common, are then printed once. Axes and shared expressions count by where they are met first, tensors
 * by their type; which nodes a kernel computes, and where they come from, is left out.
 */
import type { Dim } from './dim.ts'
import type { Kernel, KernelSlot, ScanKernel } from './kernel.ts'

export function keyOfKernel(kernel: Kernel | ScanKernel): string {
  let key = keys.get(kernel)
  if (key === undefined) {
    const { slots, nodes: _nodes, origins: _origins, stops: _stops, ...structure } = kernel
    key = `${slots.map(slotKey).join()} ${structureKey(structure, new Map())}`
    keys.set(kernel, key)
  }
  return key
}
/** Kernels do not change, and each target asks. */
const keys = new WeakMap<Kernel | ScanKernel, string>()

const slotKey = ({ node, access, place, part }: KernelSlot): string =>
  `${access} ${node.dtype}[${node.shape.map(({ key }) => key).join()}]${place === undefined ? '' : '@'}${part ? `of ${part.key}` : ''}`

function structureKey(value: unknown, met: Map<object, number>): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if ('terms' in value && 'key' in value) return `#${(value as Dim).key}`
  const known = met.get(value)
  if (known !== undefined) return `^${known}`
  met.set(value, met.size)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${structureKey(item, met)},`
    return `[${text}]`
  }
  for (const [name, field] of Object.entries(value)) text += `${name}:${structureKey(field, met)},`
  return `{${text}}`
}
