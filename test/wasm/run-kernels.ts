/**
 * Runs WebAssembly kernels in this thread, one place in memory per tensor: what the plan and the runtime do, without
 * either. Between the tensors lie guard bands with a known pattern, and everything that a kernel has not yet written
 * holds NaN bits. The groups of each kernel are run in ranges that a seed chooses, in any order, as threads would.
 */
import { link } from '../../compiler/7-emit/wasm/link.ts'
import { type Bindings, evaluate, product } from '../../compiler/ir/dim.ts'
import type { DType, Node } from '../../compiler/ir/graph.ts'
import type { KernelSlot } from '../../compiler/ir/kernel.ts'
import type { EmittedKernel } from '../../compiler/lowered.ts'
import { hasRelaxedSimd, specialize } from '../../runtime/wasm/specialize.ts'
import { generator } from '../ops/sample-graph.ts'

export interface WasmKernel {
  readonly kernel: { readonly slots: readonly KernelSlot[] }
  readonly emitted: EmittedKernel
}
export type DeviceArray = Float32Array | Int32Array | Uint32Array

const poison = 0xffc0dead
const bandBytes = 256

/** Runs the kernels in order and gives every tensor in `wanted`. */
export function runOnWasm(
  kernels: readonly WasmKernel[],
  leaves: ReadonlyMap<Node, ArrayLike<number>>,
  dims: Bindings,
  wanted: readonly Node[],
  seed = 1,
): Map<Node, DeviceArray> {
  const stages = kernels.flatMap(({ kernel, emitted }) => emitted.stages.map((stage) => ({ kernel, emitted, stage })))
  const wasm = link(
    stages.map(({ stage: { code } }, i) => ({
      code: { ...code!, sizes: code!.sizes.map(({ at, dim }) => ({ at, size: evaluate(dim, dims) })) },
      export: `k${i}`,
    })),
  )
  const layout = new Layout(wasm.workspace)
  const places = new Map<Node, number>()
  for (const { kernel } of kernels)
    for (const { node } of kernel.slots)
      if (!places.has(node)) places.set(node, layout.place(evaluate(product(node.shape), dims)))
  for (const node of wanted) if (!places.has(node)) places.set(node, layout.place(evaluate(product(node.shape), dims)))
  const scratch = new Map(
    kernels.map(({ emitted }) => [emitted, emitted.scratch.map((s) => layout.place(evaluate(s.elements, dims)))]),
  )
  const pages = Math.ceil(layout.end / 65536)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const words = new Uint32Array(memory.buffer).fill(poison)
  for (const [node, at] of places) {
    const values = leaves.get(node)
    if (values) words.set(new Uint32Array(typed(values, node.dtype).buffer), at / 4)
  }
  const bytes = specialize(wasm, {
    dims: {},
    pages: { minimum: pages, maximum: pages, shared: true },
    relaxed: hasRelaxedSimd(),
  })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { dlm: { memory, workspace: 64 } })
  const random = generator(seed)
  stages.forEach(({ kernel, emitted, stage }, i) => {
    const addresses = stage.bindings.map(({ target }) =>
      target.kind === 'slot' ? places.get(kernel.slots[target.slot]!.node)! : scratch.get(emitted)![target.scratch]!,
    )
    const run = instance.exports[`k${i}`] as (...parameters: number[]) => void
    for (const [first, end] of ranges(evaluate(stage.workgroups[0], dims), random)) run(first, end, ...addresses)
  })
  for (const [begin, end] of layout.bands)
    if (words.subarray(begin / 4, end / 4).some((word) => word !== poison))
      throw new Error('a kernel wrote outside its tensor')
  return new Map(
    wanted.map((node) => {
      const at = places.get(node)! / 4
      const part = words.slice(at, at + evaluate(product(node.shape), dims))
      return [node, view(part.buffer as ArrayBuffer, node.dtype)]
    }),
  )
}

/** Places one behind another, each behind a band that nobody may write. The work space of this thread comes first. */
class Layout {
  readonly bands: (readonly [number, number])[] = []
  end: number
  constructor(workspace: number) {
    this.end = 64 + Math.ceil(workspace / 64) * 64
    this.#band()
  }
  #band(): void {
    const begin = this.end
    this.end = Math.ceil((begin + bandBytes) / 256) * 256
    this.bands.push([begin, this.end])
  }
  place(elements: number): number {
    const at = this.end
    this.end += 4 * elements
    this.#band()
    return at
  }
}

/** The groups from 0 cut into at most five ranges, shuffled. */
function ranges(groups: number, random: () => number): [number, number][] {
  const cuts = [0, ...Array.from({ length: 4 }, () => Math.floor(random() * (groups + 1))), groups].sort(
    (a, b) => a - b,
  )
  return cuts
    .slice(1)
    .map((end, i): [number, number] => [cuts[i]!, end])
    .map((range) => ({ range, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ range }) => range)
}

const typed = (values: ArrayLike<number>, dtype: DType): DeviceArray =>
  dtype === 'float' ? Float32Array.from(values) : dtype === 'int' ? Int32Array.from(values) : Uint32Array.from(values)
const view = (bytes: ArrayBuffer, dtype: DType): DeviceArray =>
  dtype === 'float' ? new Float32Array(bytes) : dtype === 'int' ? new Int32Array(bytes) : new Uint32Array(bytes)
