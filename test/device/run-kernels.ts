/**
 * Runs emitted kernels on the test adapter, one buffer per tensor: what the plan and the runtime do, without either.
 * Buffers are larger than their tensors by a guard band with a known pattern, and everything that a kernel has not yet
 * written holds NaN bits: a kernel that writes outside its tensor or reads what nobody wrote is found out.
 */

import { type Bindings, evaluate, product } from '../../compiler/ir/dim.ts'
import type { DType, Node } from '../../compiler/ir/graph.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import type { EmittedKernel } from '../../compiler/lowered.ts'
import type { Storage } from '../../runtime/abi.ts'
import { testDevice } from './adapter.ts'

export interface DeviceKernel {
  readonly kernel: Kernel
  readonly emitted: EmittedKernel
}
export type DeviceArray = Float32Array | Int32Array | Uint32Array

const poison = 0xffc0dead
const bandWords = 64

export function storageOf(node: Node): Storage {
  return node.dtype === 'float' ? 'f32' : node.dtype === 'int' ? 'i32' : 'u32'
}

/** Runs the kernels in order and reads back every tensor in `wanted`. Fails on any WebGPU error. */
export async function runOnDevice(
  kernels: readonly DeviceKernel[],
  leaves: ReadonlyMap<Node, ArrayLike<number>>,
  dims: Bindings,
  wanted: readonly Node[],
): Promise<Map<Node, DeviceArray>> {
  const { device, errors } = await testDevice()
  const errorsBefore = errors.length
  const buffers = new Map<Node, GPUBuffer>()
  const temporary: GPUBuffer[] = []
  const bufferOf = (node: Node): GPUBuffer => {
    const known = buffers.get(node)
    if (known) return known
    const made = create(device, evaluate(product(node.shape), dims), leaves.get(node), node.dtype)
    buffers.set(node, made)
    return made
  }
  const pipelines: Promise<{ pipeline: GPUComputePipeline; bind: GPUBindGroup; groups: [number, number, number] }>[] =
    []
  for (const { kernel, emitted } of kernels) {
    const scratch = emitted.scratch.map(({ elements }) => create(device, evaluate(elements, dims), undefined, 'uint'))
    temporary.push(...scratch)
    for (const stage of emitted.stages) {
      const groups = stage.workgroups.map((d) => evaluate(d, dims)) as [number, number, number]
      if (groups.some((n) => n === 0)) continue
      if (groups[0] > 65535) {
        groups[1] = Math.ceil(groups[0] / 65535)
        groups[0] = 65535
      }
      const bound = stage.bindings.map(({ target }) =>
        target.kind === 'slot' ? bufferOf(kernel.slots[target.slot]!.node) : scratch[target.scratch]!,
      )
      const constants = Object.fromEntries([...stage.constants].map(([name, d]) => [name, evaluate(d, dims)]))
      pipelines.push(prepare(device, stage.wgsl, constants, bound).then((made) => ({ ...made, groups })))
    }
  }
  const encoder = device.createCommandEncoder()
  for (const { pipeline, bind, groups } of await Promise.all(pipelines)) {
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bind)
    pass.dispatchWorkgroups(...groups)
    pass.end()
  }
  const reads = wanted.map((node) => {
    const from = bufferOf(node)
    const to = device.createBuffer({ size: from.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ })
    encoder.copyBufferToBuffer(from, 0, to, 0, from.size)
    return { node, to }
  })
  device.queue.submit([encoder.finish()])
  const results = new Map<Node, DeviceArray>()
  for (const { node, to } of reads) {
    await to.mapAsync(GPUMapMode.READ)
    const words = new Uint32Array(to.getMappedRange().slice(0))
    to.unmap()
    to.destroy()
    const count = evaluate(product(node.shape), dims)
    if (words.subarray(count).some((word) => word !== poison)) throw new Error('a kernel wrote outside its tensor')
    results.set(node, view(words.slice(0, count).buffer, node.dtype))
  }
  for (const buffer of [...buffers.values(), ...temporary]) buffer.destroy()
  if (errors.length > errorsBefore) throw new Error(errors.slice(errorsBefore).join('\n'))
  return results
}

function create(device: GPUDevice, elements: number, values: ArrayLike<number> | undefined, dtype: DType): GPUBuffer {
  const words = new Uint32Array(elements + bandWords).fill(poison)
  if (values) {
    if (values.length !== elements)
      throw new Error(`a leaf has ${values.length} values where its shape says ${elements}`)
    words.set(new Uint32Array(typed(values, dtype).buffer))
  }
  const buffer = device.createBuffer({
    size: words.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  })
  device.queue.writeBuffer(buffer, 0, words)
  return buffer
}

const typed = (values: ArrayLike<number>, dtype: DType): DeviceArray =>
  dtype === 'float' ? Float32Array.from(values) : dtype === 'int' ? Int32Array.from(values) : Uint32Array.from(values)

const view = (bytes: ArrayBuffer, dtype: DType): DeviceArray =>
  dtype === 'float' ? new Float32Array(bytes) : dtype === 'int' ? new Int32Array(bytes) : new Uint32Array(bytes)

async function prepare(
  device: GPUDevice,
  wgsl: string,
  constants: Record<string, number>,
  bound: readonly GPUBuffer[],
): Promise<{ pipeline: GPUComputePipeline; bind: GPUBindGroup }> {
  const module = device.createShaderModule({ code: wgsl })
  const { messages } = await module.getCompilationInfo()
  if (messages.length > 0)
    throw new Error(`${messages.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`).join('\n')}\n${wgsl}`)
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module, entryPoint: 'main', constants },
  })
  const bind = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: bound.map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  return { pipeline, bind }
}
