/**
 * A WebGPU device → its copy bandwidth and its rate of fused multiply-adds. No one shape of kernel is best on every
 * adapter, so several are tried and the best counts; the copy command of the API is one of them.
 */
import { bufferUsage } from '../../runtime/usage.ts'

const copied = 64 << 20

export async function probeGpu(device: GPUDevice): Promise<{ bytesPerSecond: number; flopsPerSecond: number }> {
  const size = Math.min(copied, device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize)
  const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget
  const [from, to] = [device.createBuffer({ size, usage }), device.createBuffer({ size, usage })] as const
  try {
    const copies = [
      await fastest(device, (encoder) => encoder.copyBufferToBuffer(from, 0, to, 0, size)),
      ...(await inTurn(copyShapes, async (shape) => {
        const dispatch = await kernel(device, copyKernel(shape), [from, to])
        return fastest(device, (encoder) => dispatch(encoder, size / 16 / shape.lanes / shape.each))
      })),
    ]
    const rates = await inTurn(multiplyShapes, async (shape) => {
      const dispatch = await kernel(device, multiplyKernel(shape), [from, to])
      let best = 0
      // More and more, until starting the work does not count.
      for (let groups = 64; groups <= 32768; groups *= 4) {
        const seconds = await fastest(device, (encoder) => dispatch(encoder, groups))
        best = Math.max(best, (groups * shape.lanes * shape.sums * 8 * rounds * unrolled) / seconds)
        if (seconds > 0.01) break
      }
      return best
    })
    return { bytesPerSecond: (2 * size) / Math.min(...copies), flopsPerSecond: Math.max(...rates) }
  } finally {
    from.destroy()
    to.destroy()
  }
}

/** Lanes of a workgroup, and vectors of four that each lane copies. */
interface CopyShape {
  readonly lanes: number
  readonly each: number
}
const copyShapes: readonly CopyShape[] = [
  { lanes: 256, each: 1 },
  { lanes: 64, each: 4 },
  { lanes: 8, each: 64 },
]
const copyKernel = ({ lanes, each }: CopyShape): string => `
@group(0) @binding(0) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> target_: array<vec4f>;
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(num_workgroups) groups: vec3u) {
  let first = (group.x + group.y * groups.x) * ${lanes * each}u + lane;
  for (var i = 0u; i < ${each}u; i++) { target_[first + i * ${lanes}u] = source[first + i * ${lanes}u]; }
}`

/** Lanes of a workgroup, and independent sums (vectors of four) that each lane keeps. */
interface MultiplyShape {
  readonly lanes: number
  readonly sums: number
  /** Whether it says so by `fma`, which some drivers compute exactly by other means, or leaves the choice to the driver. */
  readonly fused: boolean
}
const rounds = 256
/** Going round takes time of its own on drivers that mask lanes. */
const unrolled = 8
const multiplyShapes: readonly MultiplyShape[] = [2, 4, 8].flatMap((sums) =>
  [8, 256].flatMap((lanes) => [true, false].map((fused) => ({ lanes, sums, fused }))),
)
function multiplyKernel({ lanes, sums, fused }: MultiplyShape): string {
  const each = (line: (i: number) => string) => Array.from({ length: sums }, (_, i) => line(i)).join(' ')
  return `
@group(0) @binding(0) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> target_: array<vec4f>;
@compute @workgroup_size(${lanes})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = source[id.x % 1024u] + 0.5;
  let y = source[(id.x + 1u) % 1024u] + 0.25;
  ${each((i) => `var s${i} = x + ${i}.0;`)}
  for (var round = 0u; round < ${rounds}u; round++) {
    ${Array.from({ length: unrolled }, () => each((i) => (fused ? `s${i} = fma(s${i}, x, y);` : `s${i} = s${i} * x + y;`))).join('\n    ')}
  }
  target_[id.x % 1024u] = ${Array.from({ length: sums }, (_, i) => `s${i}`).join(' + ')};
}`
}

async function kernel(
  device: GPUDevice,
  code: string,
  buffers: readonly GPUBuffer[],
): Promise<(encoder: GPUCommandEncoder, groups: number) => void> {
  const module = device.createShaderModule({ code })
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  const limit = device.limits.maxComputeWorkgroupsPerDimension
  return (encoder, groups) => {
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    const rows = Math.ceil(groups / limit)
    pass.dispatchWorkgroups(Math.ceil(groups / rows), rows)
    pass.end()
  }
}

/** The least seconds of some runs, the first of which compiles. */
async function fastest(device: GPUDevice, encode: (encoder: GPUCommandEncoder) => void): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 5; run++) {
    const encoder = device.createCommandEncoder()
    encode(encoder)
    const start = performance.now()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    if (run > 0) least = Math.min(least, (performance.now() - start) / 1000)
  }
  return least
}

async function inTurn<T, R>(list: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of list) results.push(await action(item))
  return results
}
