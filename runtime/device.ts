/**
 * A WebGPU adapter → a device that a session can run on: with the adapter's own limits and the features that kernels can
 * use, its class known, and its errors and loss remembered until someone asks.
 */
import { DeviceError, DeviceLostError, NoDeviceError, OutOfMemoryError, type RunError } from './errors.ts'
import type { DeviceDescription } from './executor.ts'

/** What kernels' schedules are chosen for: a driver that runs them on the processor, or a real GPU. */
export type Target = 'cpu-class' | 'gpu'

export interface GpuDevice {
  readonly device: GPUDevice
  readonly description: DeviceDescription
  readonly target: Target
  /** Lanes of a subgroup, where the adapter has one fixed size for all kernels. */
  readonly subgroup: number | undefined
  /** Bytes that sessions may take, where that is known: on a software adapter, of the machine's free memory. */
  readonly memory: number | undefined
  /** Whether waiting for the device keeps the processor busy, as it does in Node: Dawn asks again and again. */
  readonly polls: boolean
  /** Resolves with the reason when the driver gives the device up; never on `dispose`. */
  readonly lost: Promise<string>
  /** Throws when the device was lost or has reported an error since it was opened. */
  check(): void
  dispose(): void
}

export interface DeviceOptions {
  readonly memory?: number
  readonly polls?: boolean
  /** One line that says how to get a faster device. */
  readonly advice?: string
}

/** Limits that a device is given as high as the adapter has them; all others stay at WebGPU's defaults. */
const raised = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[]

const wanted = ['shader-f16', 'subgroups', 'timestamp-query'] as const satisfies readonly GPUFeatureName[]

export async function openDevice(adapter: GPUAdapter, options: DeviceOptions = {}): Promise<GpuDevice> {
  const device = await adapter
    .requestDevice({
      requiredLimits: Object.fromEntries(raised.map((name) => [name, adapter.limits[name]])),
      requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    })
    .catch((cause: unknown) => {
      throw new NoDeviceError(
        `${nameOf(adapter.info)} did not open: ${String(cause)}`,
        'choose another device with --device',
        { cause },
      )
    })

  let failure: RunError | undefined
  let disposed = false
  // Without a listener Dawn prints the error and the process ends as if nothing had happened.
  device.addEventListener('uncapturederror', (event) => {
    const { error } = event as GPUUncapturedErrorEvent
    failure ??= errorOf(error)
  })
  const lost = new Promise<string>((resolve) => {
    void device.lost.then(({ reason, message }) => {
      if (disposed) return
      const text = message === '' ? reason : message
      // After the loss everything seems to succeed, so it outweighs whatever was reported before.
      failure = new DeviceLostError(text)
      resolve(text)
    })
  })
  const software = isSoftware(adapter.info)
  return {
    device,
    description: {
      kind: software ? 'software' : 'gpu',
      name: nameOf(adapter.info),
      ...(options.advice !== undefined && { advice: options.advice }),
    },
    target: software ? 'cpu-class' : 'gpu',
    subgroup: fixedSubgroup(adapter),
    memory: options.memory,
    polls: options.polls ?? false,
    lost,
    check() {
      if (failure) throw failure
    },
    dispose() {
      disposed = true
      device.destroy()
    },
  }
}

function fixedSubgroup({ features, info }: GPUAdapter): number | undefined {
  return features.has('subgroups') && info.subgroupMinSize === info.subgroupMaxSize ? info.subgroupMinSize : undefined
}

/** Drivers that run on the processor. Not every browser says so by `isFallbackAdapter`. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`
  return info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|software|basic render|\bwarp\b/i.test(text)
}

/** Drivers on the processor describe themselves by name, those of GPUs often by version: then the model stands before it. */
export function nameOf(info: GPUAdapterInfo): string {
  const { vendor, architecture, device, description } = info
  const model = device || [vendor, architecture].filter((part) => part !== '').join(' ')
  if (description === '') return model || 'unnamed adapter'
  const named = description
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .includes(model.toLowerCase())
  return named || isSoftware(info) ? description : `${model} (${description})`
}

/** A device's own report as a typed error. By name, since browsers and Dawn have each their classes. */
export function errorOf(error: GPUError): RunError {
  return error.constructor.name === 'GPUOutOfMemoryError'
    ? new OutOfMemoryError(`the device is out of memory: ${error.message}`, 'use a smaller batch')
    : new DeviceError(`the device reported an error: ${error.message}`)
}
