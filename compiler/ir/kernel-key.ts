/**
 * A kernel → text that is equal for kernels of equal structure: the layers of a stack, and what inference, evaluation and
 * training have in common, are then printed once. Axes and shared expressions count by where they are met first, tensors
 * by their type; which nodes a kernel computes, and where they come from, is left out.
 */
import type { Dim } from './dim.ts'
import type { Kernel, KernelSlot, ScanKernel } from './kernel.ts'

type AnyKernel = Kernel | ScanKernel

export const keyOfKernel = (kernel: AnyKernel): string => `${keyOfSlots(kernel)} ${keyOfBody(kernel)}`

export const keyOfSlots = ({ slots }: AnyKernel): string => slots.map(slotKey).join()

/** All but the slots. Kernels do not change, and each target asks. */
export function keyOfBody(kernel: AnyKernel): string {
  const known = bodies.get(kernel)
  if (known !== undefined) return known
  const { slots: _slots, nodes: _nodes, origins: _origins, stops: _stops, ...body } = kernel
  const key = structureKey(body, new Map())
  bodies.set(kernel, key)
  return key
}
const bodies = new WeakMap<AnyKernel, string>()

/** The kernel with the same body but other tensors, or said to be made of other nodes. */
export function withTensors<K extends AnyKernel>(
  kernel: K,
  tensors: Pick<AnyKernel, 'slots' | 'nodes' | 'origins' | 'stops'>,
): K {
  const { slots, nodes, origins, stops } = tensors
  const made = { ...kernel, slots, nodes, origins, stops }
  bodies.set(made, keyOfBody(kernel))
  return made
}

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
  for (const name in value) text += `${name}:${structureKey(value[name as keyof typeof value], met)},`
  return `{${text}}`
}
