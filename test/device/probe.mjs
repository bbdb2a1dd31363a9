// Opens the adapter that the environment points at, adds two vectors on it, and prints what it is.
import { create, globals } from 'webgpu'

Object.assign(globalThis, globals)
globalThis.gpu = create([])
const adapter = await globalThis.gpu.requestAdapter()
if (!adapter) {
  console.error('no adapter')
  process.exit(1)
}
const device = await adapter.requestDevice()
const data = device.createBuffer({
  size: 256,
  usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
})
device.queue.writeBuffer(
  data,
  0,
  Float32Array.from({ length: 64 }, (_, i) => i),
)
const module = device.createShaderModule({
  code: `@group(0) @binding(0) var<storage, read_write> data: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { data[i] = data[i] + 0.5; }`,
})
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
const bindings = device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: { buffer: data } }],
})
const back = device.createBuffer({ size: 256, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
const encoder = device.createCommandEncoder()
const pass = encoder.beginComputePass()
pass.setPipeline(pipeline)
pass.setBindGroup(0, bindings)
pass.dispatchWorkgroups(1)
pass.end()
encoder.copyBufferToBuffer(data, 0, back, 0, 256)
device.queue.submit([encoder.finish()])
await back.mapAsync(GPUMapMode.READ)
const right = new Float32Array(back.getMappedRange()).every((x, i) => x === i + 0.5)
back.unmap()
console.log(adapter.info.description)
process.exit(right ? 0 : 1)
