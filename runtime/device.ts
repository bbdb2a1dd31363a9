/**
 * A WebGPU adapter → a device that a session can run on: with the adapter's own limits and the features that kernels can
 * use, its class known, and its errors and loss remembered until someone asks.
 */
import type { CompiledProgram } from './abi.ts'
import { DeviceLostError, errorOf, NoDeviceError, type RunError } from './errors.ts'
import type { DeviceDescription, Executor, OpenOptions } from './executor.ts'
import { openSession } from './session.ts'

/** What kernels are made for: a real GPU, a driver that runs shaders on the processor, or WebAssembly. */
export type Target = 'gpu' | 'cpu-class' | 'wasm'

/** Whatever sessions can be opened on. */
export interface Device {
  readonly description: DeviceDescription
  readonly target: Target
  /** Lanes of a subgroup, where the adapter has one fixed size for all kernels. */
  readonly subgroup: number | undefined
  /** Resolves with the reason when the driver gives the device up; never on `dispose`. */
  readonly lost: Promise<string>
  /** Throws when the device was lost or has reported an error since it was opened. */
  check(): void
  /** Takes all memory of a session and compiles all its kernels. */
  open(program: CompiledProgram, options: OpenOptions): Promise<Executor>
  dispose(): void
}

export interface GpuDevice extends Device {
  readonly device: GPUDevice
  /** Bytes that sessions may take, where that is known: on a software adapter, of the machine's free memory. */
  readonly memory: number | undefined
  /** Whether waiting for the device keeps the processor busy, as it does in Node: Dawn asks again and again. */
  readonly polls: boolean
}

export const isGpu = (device: Device): device is GpuDevice => 'device' in device

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
  const opened: GpuDevice = {
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
    open: (program, options) => openSession(program, opened, options),
    dispose() {
      disposed = true
      device.destroy()
    },
  }
  return opened
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
