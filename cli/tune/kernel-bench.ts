/**
 * One kernel on a device, alone: its tensors filled with numbers, run once for its results or often for its time. Before
 * each run that counts for results all tensors are as at first, and what is only written holds a NaN that would show.
 */
import { type Bindings, evaluate, product } from '../../compiler/ir/dim.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import type { EmittedKernel } from '../../compiler/lowered.ts'
import { KernelMachine } from '../../compiler/reference/kernel-machine.ts'
import type { Storage } from '../../runtime/abi.ts'
import { fold } from '../../runtime/commands.ts'
import { floatFromHalf, halfFromFloat } from '../../runtime/half.ts'
import { bufferUsage, mapModeRead } from '../../runtime/usage.ts'

export interface KernelBench {
  /**
   * What the float64 reference gives on the same numbers, for each tensor that the kernel writes: some hundred elements, or
   * rows, spread over it; NaN at all others.
   */
  reference(): readonly Float64Array[]
  /** Every tensor that the kernel writes, after one run; throws where the device refuses the text. */
  results(emitted: EmittedKernel): Promise<readonly Float64Array[]>
  /** Milliseconds of one run, the median of several. To be asked after `results`, which compiles. */
  time(emitted: EmittedKernel): Promise<number>
  dispose(): void
}

/** One for each slot: a kernel reads nothing that it has written. */
interface Tensor {
  readonly written: boolean
  readonly storage: Storage
  readonly buffer: GPUBuffer
  readonly initial: Uint8Array<ArrayBuffer>
}

const poison = 0xff
/** Elements, or rows, that the reference computes: of a contraction over thousands, still milliseconds. */
const sampled = 256
const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget

export function openKernel(
  device: GPUDevice,
  kernel: Kernel,
  storages: readonly Storage[],
  dims: Bindings,
): KernelBench {
  const tensors = kernel.slots.map(({ node, access }, slot): Tensor => {
    const initial = numbers(node, storages[slot]!, evaluate(product(node.shape), dims), slot)
    if (access === 'write') initial.fill(poison)
    const buffer = device.createBuffer({ size: Math.max(16, initial.byteLength), usage })
    return { written: access !== 'read', storage: storages[slot]!, buffer, initial }
  })
  const made = new Map<EmittedKernel, Promise<Prepared>>()
  const scratch: GPUBuffer[] = []
  const prepared = (emitted: EmittedKernel) => {
    const known = made.get(emitted) ?? prepare(device, emitted, dims, tensors, scratch)
    made.set(emitted, known)
    return known
  }
  return {
    reference() {
      const before = tensors.map(({ initial, storage }) => decoded(initial.buffer, storage))
      const values = before.map((given, slot) =>
        kernel.slots[slot]!.access === 'write' ? new Float64Array(given.length).fill(Number.NaN) : given.slice(),
      )
      new KernelMachine(values, (size) => evaluate(size, dims), 'float64').run(kernel, sampled)
      // What an update left as it was may be an element that was not computed.
      kernel.slots.forEach(({ access }, slot) => {
        if (access === 'update') values[slot] = values[slot]!.map((x, i) => (x === before[slot]![i] ? Number.NaN : x))
      })
      return values.filter((_, slot) => tensors[slot]!.written)
    },
    async results(emitted) {
      const run = await prepared(emitted)
      for (const { buffer, initial } of tensors) device.queue.writeBuffer(buffer, 0, initial)
      const encoder = device.createCommandEncoder()
      run(encoder)
      const outputs = tensors.filter(({ written }) => written)
      const backs = outputs.map(({ buffer }) => {
        const back = device.createBuffer({ size: buffer.size, usage: bufferUsage.mapRead | bufferUsage.copyTarget })
        encoder.copyBufferToBuffer(buffer, 0, back, 0, buffer.size)
        return back
      })
      device.queue.submit([encoder.finish()])
      return Promise.all(
        backs.map(async (back, i) => {
          await back.mapAsync(mapModeRead)
          const values = decoded(back.getMappedRange().slice(0, outputs[i]!.initial.byteLength), outputs[i]!.storage)
          back.destroy()
          return values
        }),
      )
    },
    async time(emitted) {
      const run = await prepared(emitted)
      const once = async (count: number) => {
        const encoder = device.createCommandEncoder()
        for (let i = 0; i < count; i++) run(encoder)
        const start = performance.now()
        device.queue.submit([encoder.finish()])
        await device.queue.onSubmittedWorkDone()
        return performance.now() - start
      }
      // As many runs at a time as take some milliseconds, so that waiting does not count.
      const count = Math.max(1, Math.min(64, Math.ceil(4 / Math.max(0.05, await once(1)))))
      const times: number[] = []
      for (let i = 0; i < 5; i++) times.push((await once(count)) / count)
      return times.sort((a, b) => a - b)[2]!
    },
    dispose() {
      for (const { buffer } of tensors) buffer.destroy()
      for (const buffer of scratch) buffer.destroy()
    },
  }
}

type Prepared = (encoder: GPUCommandEncoder) => void

async function prepare(
  device: GPUDevice,
  { stages, scratch: wanted }: EmittedKernel,
  dims: Bindings,
  tensors: readonly Tensor[],
  scratch: GPUBuffer[],
): Promise<Prepared> {
  const own = wanted.map(({ elements }) =>
    device.createBuffer({ size: Math.max(16, 4 * evaluate(elements, dims)), usage }),
  )
  scratch.push(...own)
  const limit = device.limits.maxComputeWorkgroupsPerDimension
  const dispatches = await Promise.all(
    stages.map(async ({ wgsl, constants, workgroups, bindings }) => {
      device.pushErrorScope('validation')
      const module = device.createShaderModule({ code: wgsl })
      const values = Object.fromEntries([...constants].map(([name, size]) => [name, evaluate(size, dims)]))
      const fault = device.popErrorScope()
      const pipeline = await device.createComputePipelineAsync({
        layout: 'auto',
        compute: { module, constants: values },
      })
      await fault
      const group = device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: bindings.map(({ target }, binding) => ({
          binding,
          resource: {
            buffer: target.kind === 'slot' ? tensors[target.slot]!.buffer : own[target.scratch]!,
          },
        })),
      })
      const [x, y, z] = workgroups.map((size) => evaluate(size, dims)) as [number, number, number]
      const groups = fold([x, y, z], limit)
      if (!groups) throw new Error('more workgroups than the adapter starts')
      return { pipeline, group, groups }
    }),
  )
  return (encoder) => {
    const pass = encoder.beginComputePass()
    for (const { pipeline, group, groups } of dispatches) {
      if (groups.some((n) => n === 0)) continue
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(groups[0], groups[1], groups[2])
    }
    pass.end()
  }
}

/** Floats within ±1 and small whole numbers, which are valid as indices and classes nearly everywhere. */
function numbers(node: Node, storage: Storage, count: number, slot: number): Uint8Array<ArrayBuffer> {
  const fraction = (i: number) => ((i + 1) * (0.6180339887 + 0.01 * slot)) % 1
  const values = Array.from({ length: count }, (_, i) =>
    node.dtype === 'float' ? 2 * fraction(i) - 1 : node.dtype === 'bool' ? i % 2 : Math.floor(3 * fraction(i)),
  )
  switch (storage) {
    case 'f32':
      return new Uint8Array(Float32Array.from(values).buffer)
    case 'f16':
      return new Uint8Array(
        Uint16Array.from({ length: count + (count % 2) }, (_, i) => halfFromFloat(values[i] ?? 0)).buffer,
      )
    case 'i32':
      return new Uint8Array(Int32Array.from(values).buffer)
    case 'u32':
      return new Uint8Array(Uint32Array.from(values).buffer)
    default:
      return storage satisfies never
  }
}

function decoded(bytes: ArrayBuffer, storage: Storage): Float64Array {
  switch (storage) {
    case 'f32':
      return Float64Array.from(new Float32Array(bytes))
    case 'f16':
      return Float64Array.from(new Uint16Array(bytes), floatFromHalf)
    case 'i32':
      return Float64Array.from(new Int32Array(bytes))
    case 'u32':
      return Float64Array.from(new Uint32Array(bytes))
    default:
      return storage satisfies never
  }
}
