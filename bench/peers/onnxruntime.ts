/**
 * ONNX Runtime Web on WebGPU, which only infers: W5 by models that PyTorch exported into the job's folder (`torch.py`), W6 by
 * a product whose operands and result stay on the device.
 */
import './as-browser.ts'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { faults, listen, nameOfAdapter } from './browser.ts'
import type { Job } from './job.ts'
import { type Subject, serve } from './serve.ts'

const started = async () => {
  copySharedMemory()
  const ort = await import('onnxruntime-web/webgpu')
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  return ort
}
type Runtime = Awaited<ReturnType<typeof started>>
/** The library's values; its types are not installed here. */
type Value = ReturnType<Runtime>

function inference(ort: Runtime, session: Value, job: Job): Subject {
  const { data, shape } = job.inputs.get('x')!
  let last: Value
  return {
    async run() {
      last = (await session.run({ x: operand(ort, data, shape) })).y
    },
    async output() {
      const output = await last.getData()
      last.dispose?.()
      return output
    },
  }
}

/** Tokens are 64 bits wide in the exported models; images have their channels first. */
function operand(ort: Runtime, data: Float32Array | Int32Array, shape: readonly number[]): Value {
  if (data instanceof Int32Array) return new ort.Tensor('int64', BigInt64Array.from(data, BigInt), [...shape])
  const [images, height, width, channels] = shape as [number, number, number, number]
  const ordered = new Float32Array(data.length)
  for (let i = 0; i < images * height * width; i++)
    for (let c = 0; c < channels; c++) ordered[c * height * width + i] = data[i * channels + c]!
  return new ort.Tensor('float32', ordered, [images, channels, height, width])
}

function product(ort: Runtime, session: Value, gpu: GPUDevice, job: Job): Subject {
  const dims = job.inputs.get('a')!.shape
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const buffers = ['a', 'b', 'y'].map((name) => {
    const buffer = gpu.createBuffer({ size: 4 * dims[0]! * dims[1]!, usage })
    const given = job.inputs.get(name)
    if (given) gpu.queue.writeBuffer(buffer, 0, given.data as Float32Array<ArrayBuffer>)
    return buffer
  })
  const [a, b, y] = buffers.map((buffer) =>
    ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: [...dims] }),
  ) as [Value, Value, Value]
  return {
    run: () => session.run({ a, b }, { y }),
    settle: () => gpu.queue.onSubmittedWorkDone(),
    async output() {
      const size = buffers[2]!.size
      const back = gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
      const encoder = gpu.createCommandEncoder()
      encoder.copyBufferToBuffer(buffers[2]!, 0, back, 0, size)
      gpu.queue.submit([encoder.finish()])
      await back.mapAsync(GPUMapMode.READ)
      const copy = new Float32Array(back.getMappedRange().slice(0))
      back.destroy()
      return copy
    },
  }
}

/** The library uploads from memory that threads share, which Dawn's binding for Node refuses: copied first. */
function copySharedMemory(): void {
  const { prototype } = (globalThis as unknown as { GPUQueue: { prototype: GPUQueue } }).GPUQueue
  const original = prototype.writeBuffer as (...args: unknown[]) => undefined
  const copied = (data: unknown): unknown => {
    if (data instanceof SharedArrayBuffer) return new Uint8Array(new Uint8Array(data)).buffer
    if (!ArrayBuffer.isView(data) || !(data.buffer instanceof SharedArrayBuffer)) return data
    return (data as Uint8Array).slice()
  }
  prototype.writeBuffer = function (
    this: GPUQueue,
    buffer: unknown,
    offset: unknown,
    data: unknown,
    ...rest: unknown[]
  ) {
    return original.call(this, buffer, offset, copied(data), ...rest)
  } as typeof prototype.writeBuffer
}

await serve(async () => {
  const ort = await started()
  let adapter = ''
  return {
    version: ort.env.versions.web as string,
    // Known once a model was opened.
    get adapter() {
      return adapter
    },
    faults,
    async open(job) {
      const path = join(job.folder, `${job.workload.id}.onnx`)
      if (!existsSync(path)) throw new Error(`${path} is missing`)
      const session = await ort.InferenceSession.create(readFileSync(path), { executionProviders: ['webgpu'] })
      const gpu = (await ort.env.webgpu.device) as GPUDevice
      listen(gpu)
      adapter = nameOfAdapter(gpu)
      return job.workload.kind === 'product' ? product(ort, session, gpu, job) : inference(ort, session, job)
    },
  }
})
