/**
 * The WebGPU adapter that tests run on: lavapipe where Mesa 23 or later is installed, else the SwiftShader that comes
 * with the development dependencies. `DLM_ADAPTER=lavapipe|swiftshader` chooses. Where neither works the GPU tests
 * fail: they are never skipped.
 */
import { findSoftwareVulkan, type SoftwareVulkan, type SoftwareVulkanName, useSoftwareVulkan } from '../../runtime/node/vulkan.ts'

/** The driver that tests of this process use. */
export function chosenDriver(): SoftwareVulkan {
  const asked = process.env['DLM_ADAPTER'] as SoftwareVulkanName | undefined
  const order: readonly SoftwareVulkanName[] = asked ? [asked] : ['lavapipe', 'swiftshader']
  for (const name of order) {
    const driver = findSoftwareVulkan(name)
    if (driver) return driver
  }
  throw new Error(`no software Vulkan driver for the GPU tests: looked for ${order.join(', ')}`)
}

interface Held {
  dlmTestGpu?: GPU
  dlmTestDevice?: Promise<TestDevice>
}
const held = globalThis as Held

export interface TestDevice {
  readonly device: GPUDevice
  readonly description: string
  readonly driver: SoftwareVulkanName
  /** Messages of uncaptured errors so far; a test that runs kernels asserts that there is none. */
  readonly errors: string[]
}

/**
 * One device per process, kept for its life. The instance from `create()` stays on `globalThis`: when it is collected
 * while a device lives, the process crashes.
 */
export function testDevice(): Promise<TestDevice> {
  held.dlmTestDevice ??= open()
  return held.dlmTestDevice
}

async function open(): Promise<TestDevice> {
  const driver = chosenDriver()
  useSoftwareVulkan(driver)
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  held.dlmTestGpu = create([])
  const adapter = await held.dlmTestGpu.requestAdapter()
  if (!adapter) throw new Error(`${driver.name} gave no WebGPU adapter`)
  const device = await adapter.requestDevice({
    requiredFeatures: (['subgroups', 'shader-f16', 'timestamp-query'] as const).filter((f) => adapter.features.has(f)),
    // What a session asks for: at most what WebGPU guarantees, but for the number of storage buffers.
    requiredLimits: { maxStorageBuffersPerShaderStage: Math.min(10, adapter.limits.maxStorageBuffersPerShaderStage) },
  })
  const errors: string[] = []
  device.addEventListener('uncapturederror', (event) => {
    errors.push((event as GPUUncapturedErrorEvent).error.message)
  })
  return { device, description: adapter.info.description, driver: driver.name, errors }
}
