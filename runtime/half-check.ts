/**
 * Whether 16-bit floats of a device can be trusted, asked once before a program is compiled for them: some drivers offer
 * the feature and get it wrong. All 65,536 patterns are read as numbers and written back; then numbers are rounded.
 */
import { floatFromHalf } from './half.ts'
import { bufferUsage, mapModeRead } from './usage.ts'

export type HalfFault = 'absent' | 'wrong'

const patterns = 65_536
const smallestNormal = 2 ** -14
/** Numbers between two halves, and how far the nearest is off at most: half the distance of neighbours, or all of it. */
const between = Array.from(
  { length: 1024 },
  (_, i) => (1 + (i + 0.37) / 1024) * 2 ** ((i % 28) - 13) * (i % 2 ? -1 : 1),
)

const wgsl = `enable f16;
@group(0) @binding(0) var<storage, read> bits: array<f16>;
@group(0) @binding(1) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(2) var<storage, read> given: array<f32>;
@group(0) @binding(3) var<storage, read_write> rounded: array<f16>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&bits)) { numbers[id.x] = f32(bits[id.x]); }
  if (id.x < arrayLength(&given)) { rounded[id.x] = f16(given[id.x]); }
}
`

/** `undefined` where they work. */
export async function checkHalf(device: GPUDevice): Promise<HalfFault | undefined> {
  if (!device.features.has('shader-f16')) return 'absent'
  const { storage, copySource, copyTarget, mapRead } = bufferUsage
  const buffer = (size: number, usage: number) => device.createBuffer({ size, usage })
  const bits = buffer(2 * patterns, storage | copyTarget)
  const numbers = buffer(4 * patterns, storage | copySource)
  const given = buffer(4 * between.length, storage | copyTarget)
  const rounded = buffer(2 * between.length, storage | copySource)
  const back = buffer(4 * patterns + 2 * between.length, copyTarget | mapRead)
  const all = [bits, numbers, given, rounded, back]
  try {
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: wgsl }), entryPoint: 'main' },
    })
    device.queue.writeBuffer(
      bits,
      0,
      Uint16Array.from({ length: patterns }, (_, i) => i),
    )
    device.queue.writeBuffer(given, 0, Float32Array.from(between))
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [bits, numbers, given, rounded].map((buffer, binding) => ({ binding, resource: { buffer } })),
    })
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(patterns / 64)
    pass.end()
    encoder.copyBufferToBuffer(numbers, 0, back, 0, 4 * patterns)
    encoder.copyBufferToBuffer(rounded, 0, back, 4 * patterns, 2 * between.length)
    device.queue.submit([encoder.finish()])
    await back.mapAsync(mapModeRead)
    const result = back.getMappedRange()
    const right =
      readsRight(new Float32Array(result, 0, patterns)) && roundsRight(new Uint16Array(result, 4 * patterns))
    back.unmap()
    return right ? undefined : 'wrong'
  } catch {
    return 'wrong'
  } finally {
    for (const each of all) each.destroy()
  }
}

/** Numbers below the normal ones may become 0; what an infinity or a NaN becomes, no program relies on. */
function readsRight(numbers: Float32Array): boolean {
  return numbers.every((number, pattern) => {
    const expected = floatFromHalf(pattern)
    if (!Number.isFinite(expected) || number === expected) return true
    return Math.abs(expected) < smallestNormal && number === 0
  })
}

/** To one of the two neighbours: WGSL leaves open which. */
function roundsRight(bits: Uint16Array): boolean {
  return between.every((number, i) => Math.abs(floatFromHalf(bits[i]!) - number) <= Math.abs(number) * 2 ** -10)
}
