/**
 * The WebGPU adapter that tests run on: lavapipe where Mesa 23 or later is installed, else the SwiftShader that comes
 * with the development dependencies (Linux x64), else whatever WebGPU finds. `DLM_ADAPTER=lavapipe|swiftshader|gpu`
 * chooses. Where none works the GPU tests fail: they are never skipped.
 */
import {
  findSoftwareVulkan,
  type SoftwareVulkan,
  type SoftwareVulkanName,
  useSoftwareVulkan,
} from '../../runtime/node/vulkan.ts'

/** The driver that tests of this process use; `gpu` is the machine's own adapter. The names are those of `--device`. */
export type TestDriver = SoftwareVulkan | { readonly name: 'gpu' }

export function chosenDriver(): TestDriver {
  const asked = process.env.DLM_ADAPTER
  const names: readonly SoftwareVulkanName[] = ['lavapipe', 'swiftshader']
  if (asked === 'gpu') return { name: 'gpu' }
  const order = names.filter((name) => asked === undefined || asked === name)
  if (order.length === 0) throw new Error(`DLM_ADAPTER is ${asked}, not one of ${names.join(', ')}, gpu`)
  for (const name of order) {
    const driver = findSoftwareVulkan(name)
    if (driver) return driver
  }
  if (asked !== undefined) throw new Error(`DLM_ADAPTER is ${asked}, which this machine does not have`)
  return { name: 'gpu' }
}

/** Points this process at the chosen driver, and says which it is. */
export function useChosenDriver(): TestDriver['name'] {
  const driver = chosenDriver()
  if (driver.name !== 'gpu') useSoftwareVulkan(driver)
  return driver.name
}

interface Held {
  dlmTestGpu?: GPU
  dlmTestDevice?: Promise<TestDevice>
}
const held = globalThis as Held

export interface TestDevice {
  readonly device: GPUDevice
  readonly description: string
  readonly driver: TestDriver['name']
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
  const driver = useChosenDriver()
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  held.dlmTestGpu = create([])
  const adapter = await held.dlmTestGpu.requestAdapter()
  if (!adapter) throw new Error(`${driver} gave no WebGPU adapter`)
  const device = await adapter.requestDevice({
    requiredFeatures: (['subgroups', 'shader-f16', 'timestamp-query'] as const).filter((f) => adapter.features.has(f)),
    // What a session asks for: at most what WebGPU guarantees, but for the number of storage buffers.
    requiredLimits: { maxStorageBuffersPerShaderStage: Math.min(10, adapter.limits.maxStorageBuffersPerShaderStage) },
  })
  const errors: string[] = []
  device.addEventListener('uncapturederror', (event) => {
    errors.push((event as GPUUncapturedErrorEvent).error.message)
  })
  return { device, description: adapter.info.description, driver, errors }
}
