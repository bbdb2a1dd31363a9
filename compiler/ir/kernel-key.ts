/**
 * A kernel → text that is equal for kernels of equal structure: the layers of a stack, and what inference, evaluation and
 * training have in common, are then printed once. Axes and shared expressions count by where they are met first, tensors
 * by their type; which nodes a kernel computes, and where they come from, is left out.
 */
import { sameDims } from './dim.ts'
import type { Kernel, KernelSlot, ScanKernel } from './kernel.ts'

type AnyKernel = Kernel | ScanKernel

export const keyOfKernel = (kernel: AnyKernel): string => `${keyOfSlots(kernel)} ${keyOfBody(kernel)}`

/** Texts that are made once, for all kernels that are known to have the same. */
interface Keys {
  readonly slots: { text: string | undefined }
  readonly body: { text: string | undefined }
}
const keys = new WeakMap<AnyKernel, Keys>()
function keysOf(kernel: AnyKernel): Keys {
  let known = keys.get(kernel)
  if (!known) {
    known = { slots: { text: undefined }, body: { text: undefined } }
    keys.set(kernel, known)
  }
  return known
}

export function keyOfSlots(kernel: AnyKernel): string {
  const { slots } = keysOf(kernel)
  if (slots.text === undefined) {
    slots.text = ''
    for (let i = 0; i < kernel.slots.length; i++) slots.text += `${slotKey(kernel.slots[i]!)},`
  }
  return slots.text
}

/** All but the slots. Kernels do not change, and each target asks. */
export function keyOfBody(kernel: AnyKernel): string {
  const known = keysOf(kernel).body
  if (known.text === undefined) {
    const { slots: _slots, nodes: _nodes, origins: _origins, stops: _stops, ...body } = kernel
    known.text = structureKey(body)
  }
  return known.text
}

/** The kernel with the same body but other tensors, or said to be made of other nodes. `isAlike`: whether the slots have one key. */
export function withTensors<K extends AnyKernel>(
  kernel: K,
  tensors: Pick<AnyKernel, 'slots' | 'nodes' | 'origins' | 'stops'>,
  isAlike = areAlike(kernel.slots, tensors.slots),
): K {
  const { slots, nodes, origins, stops } = tensors
  const made = { ...kernel, slots, nodes, origins, stops }
  const known = keysOf(kernel)
  keys.set(made, isAlike ? known : { slots: { text: undefined }, body: known.body })
  return made
}

/** Whether slots have one key, without making it. */
function areAlike(some: readonly KernelSlot[], others: readonly KernelSlot[]): boolean {
  if (some === others) return true
  if (some.length !== others.length) return false
  for (let i = 0; i < some.length; i++) {
    const [a, b] = [some[i]!, others[i]!]
    const isAlike =
      a.access === b.access &&
      a.part === b.part &&
      a.uniform === b.uniform &&
      (a.place === undefined) === (b.place === undefined)
    if (!isAlike || a.node.dtype !== b.node.dtype || !sameDims(a.node.shape, b.node.shape)) return false
  }
  return true
}

function slotKey({ node, access, place, part, uniform }: KernelSlot): string {
  let key = `${uniform ? 'uniform' : access} ${node.dtype}[`
  for (let i = 0; i < node.shape.length; i++) key += `${node.shape[i]!.key},`
  return `${key}]${place === undefined ? '' : '@'}${part ? `of ${part.key}` : ''}`
}

/**
 * Structure → one character for each of its words: names, texts, numbers and dims each have a number of their own, in the order in
 * which they were first met. As text in words it would be four times as long to write, and to hash.
 */
function structureKey(value: unknown): string {
  written = 0
  write(value, new Map())
  let text = ''
  for (let i = 0; i < written; i += mostArguments)
    text += String.fromCharCode.apply(
      null,
      units.subarray(i, Math.min(written, i + mostArguments)) as unknown as number[],
    )
  return text
}
const mostArguments = 8192
let units = new Uint16Array(4096)
let written = 0

const marks = { object: 0, list: 1, end: 2, again: 3, negativeZero: 4 }
const words = new Map<unknown, number>()

function write(value: unknown, met: Map<object, number>): void {
  if (typeof value !== 'object' || value === null || isDim(value)) {
    writeNumber(wordOf(value))
    return
  }
  const known = met.get(value)
  if (known !== undefined) {
    writeNumber(marks.again)
    writeNumber(known)
    return
  }
  met.set(value, met.size)
  if (Array.isArray(value)) {
    writeNumber(marks.list)
    for (let i = 0; i < value.length; i++) write(value[i], met)
  } else {
    writeNumber(marks.object)
    for (const name in value) {
      writeNumber(wordOf(name))
      write(value[name as keyof typeof value], met)
    }
  }
  writeNumber(marks.end)
}

/** Dims are interned: the object is the word. */
const isDim = (value: object): boolean => 'terms' in value && 'key' in value

function wordOf(word: unknown): number {
  if (Object.is(word, -0)) return marks.negativeZero
  const known = words.get(word)
  if (known !== undefined) return known
  const made = words.size + Object.keys(marks).length
  words.set(word, made)
  return made
}

/** In one unit, or in three where it takes more. */
function writeNumber(number: number): void {
  if (written + 3 > units.length) {
    const more = new Uint16Array(2 * units.length)
    more.set(units)
    units = more
  }
  if (number < 0xffff) units[written++] = number
  else {
    units[written++] = 0xffff
    units[written++] = number >>> 16
    units[written++] = number & 0xffff
  }
}
