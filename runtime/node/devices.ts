/**
 * Which device runs a program. In order: a GPU; the processor, through WebAssembly; a driver in software, and the reference
 * interpreter, when they are asked for by name. Falling back is said in one line that tells how to get a faster device.
 */
import { type Device, type GpuDevice, isSoftware, nameOf, openDevice, type Target } from '../device.ts'
import { NoDeviceError } from '../errors.ts'
import type { DeviceDescription } from '../executor.ts'
import { wasmDevice } from '../wasm/device.ts'
import { compilingAhead } from './compile-ahead.ts'
import { adapterNamed, adapterNames, preferredAdapter, sameAdapter } from './dawn.ts'
import { destroyedAtExit } from './ending.ts'
import { type MatrixSupport, matrixSupport, withMatrices } from './matrices.ts'
import { askedThreads, coreCount, enableRelaxedSimd, usableMemory } from './threads.ts'
import { findSoftwareVulkan, type SoftwareVulkanName, useSoftwareVulkan } from './vulkan.ts'

export interface FoundDevice {
  readonly description: DeviceDescription
  readonly target: Target
  /** Absent for the reference interpreter, which the compiler holds. */
  readonly device: Device | undefined
  /** One line for the user: a slower device was taken than one may expect, and how to get a faster one. */
  readonly notice: string | undefined
}

export const deviceNames = ['auto', 'gpu', 'wasm', 'reference', 'lavapipe', 'swiftshader', 'software'] as const

/** `auto`, one of the names above, or a part of an adapter's name. */
export async function findDevice(name = 'auto'): Promise<FoundDevice> {
  switch (name) {
    case 'auto': {
      const found = await hardware()
      if (found) return found
      const processor = wasm()
      return { ...processor, notice: `no GPU was found: running on ${processor.description.name}; ${advice()}` }
    }
    case 'gpu': {
      const found = await hardware()
      if (found) return found
      throw new NoDeviceError('no GPU was found', advice())
    }
    case 'wasm':
      return wasm()
    case 'cpu':
      throw new NoDeviceError(
        "there is no device 'cpu' any more",
        '`--device wasm` computes on the processor, `--device reference` is the float64 interpreter',
      )
    case 'reference':
      return {
        description: { kind: 'reference', name: 'reference (float64 interpreter)' },
        target: 'cpu-class',
        device: undefined,
        notice: undefined,
      }
    case 'lavapipe':
    case 'swiftshader':
      return software(name)
    case 'software':
      return software(findSoftwareVulkan('lavapipe') ? 'lavapipe' : 'swiftshader')
    default:
      return byName(name)
  }
}

async function hardware(): Promise<FoundDevice | undefined> {
  const adapter = await preferredAdapter()
  if (!adapter || isSoftware(adapter.info)) return undefined
  return found(await openHardware(adapter))
}

function wasm(): FoundDevice {
  enableRelaxedSimd()
  return found(wasmDevice({ threads: askedThreads(), cores: coreCount(), memory: usableMemory() }))
}

async function software(name: SoftwareVulkanName): Promise<FoundDevice> {
  const driver = findSoftwareVulkan(name)
  if (!driver) throw new NoDeviceError(`${name} is not installed`, installation[name])
  useSoftwareVulkan(driver)
  const adapter = await preferredAdapter()
  if (!adapter) throw new NoDeviceError(`${name} gave no WebGPU adapter`, installation[name])
  return found(await openSoftware(adapter))
}

async function byName(name: string): Promise<FoundDevice> {
  const names = await adapterNames()
  const match = names.find((candidate) => candidate.toLowerCase().includes(name.toLowerCase()))
  const adapter = match === undefined ? null : await adapterNamed(match)
  if (!adapter) {
    const known = [...deviceNames, ...names].join(', ')
    throw new NoDeviceError(`there is no device '${name}'`, `choose one of ${known}`)
  }
  return found(await (isSoftware(adapter.info) ? openSoftware(adapter) : openHardware(adapter)))
}

const openHardware = (adapter: GPUAdapter): Promise<GpuDevice> => openDevice(withMatrices(adapter), { polls: true })

const openSoftware = async (adapter: GPUAdapter): Promise<GpuDevice> =>
  compilingAhead(
    destroyedAtExit(
      await openDevice(adapter, {
        polls: true,
        memory: usableMemory(),
        advice: 'faster with a GPU and its Vulkan driver; `dlmc devices` says how',
      }),
    ),
    () => sameAdapter(adapter),
  )

const found = (device: Device): FoundDevice => ({
  description: device.description,
  target: device.target,
  device,
  notice: undefined,
})

// ---------------------------------------------------------------- what to install

const installation = {
  lavapipe:
    process.platform === 'linux'
      ? 'install Mesa 23 or later: `apt install mesa-vulkan-drivers` (Debian 12: from bookworm-backports)'
      : 'lavapipe is for Linux; a Mac or Windows machine has its GPU',
  swiftshader:
    process.platform === 'linux' && process.arch === 'x64'
      ? 'run `npm install --save-dev @sparticuz/chromium`, which contains it'
      : 'it is found on Linux x64 only',
} as const satisfies Record<SoftwareVulkanName, string>

function advice(): string {
  return process.platform === 'linux'
    ? 'faster with a GPU and its Vulkan driver; `dlmc devices` says how'
    : 'update the graphics driver for a faster one'
}

// ---------------------------------------------------------------- `dlmc devices`

export interface DeviceReport {
  /** What `--device` takes. */
  readonly selector: string
  readonly description: DeviceDescription
  readonly target: Target
  readonly limits: Readonly<Record<string, number>>
  readonly features: readonly string[]
  /** Products of matrices that its subgroups compute, where it has such. */
  readonly matrices: readonly MatrixSupport[]
}
export interface MissingDevice {
  readonly selector: string
  readonly installation: string
}

const reportedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[]

/** All devices in the order in which `auto` would take them, and what could be installed. */
export async function listDevices(): Promise<{ found: DeviceReport[]; missing: MissingDevice[] }> {
  const reports: DeviceReport[] = []
  const inSoftware: DeviceReport[] = []
  const missing: MissingDevice[] = []
  const seen = new Set<string>()
  const list = async (selector?: string) => {
    for (const name of await adapterNames()) {
      const adapter = seen.has(name) ? null : await adapterNamed(name)
      seen.add(name)
      if (!adapter) continue
      const report = describe(adapter, selector ?? softwareName(adapter.info) ?? name)
      ;(report.description.kind === 'software' ? inSoftware : reports).push(report)
    }
  }
  await list()
  const hardwareFound = reports.length > 0
  const { description, target } = wasm()
  reports.push({ selector: 'wasm', description, target, limits: {}, features: [], matrices: [] })
  for (const selector of ['lavapipe', 'swiftshader'] as const) {
    const driver = findSoftwareVulkan(selector)
    if (!driver) missing.push({ selector, installation: installation[selector] })
    else if (!inSoftware.some((r) => r.selector === selector)) {
      const before = {
        VK_ICD_FILENAMES: process.env['VK_ICD_FILENAMES'],
        VK_DRIVER_FILES: process.env['VK_DRIVER_FILES'],
      }
      useSoftwareVulkan(driver)
      await list(selector)
      for (const [name, value] of Object.entries(before))
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
    }
  }
  if (!hardwareFound) missing.unshift({ selector: 'gpu', installation: gpuInstallation() })
  return { found: [...reports, ...inSoftware], missing }
}

function gpuInstallation(): string {
  if (process.platform !== 'linux') return 'update the graphics driver'
  return 'with an NVIDIA card, its driver package and `apt install libvulkan1`; with an AMD or Intel one, `apt install mesa-vulkan-drivers`'
}

function softwareName(info: GPUAdapterInfo): string | undefined {
  if (!isSoftware(info)) return undefined
  return /llvmpipe|lavapipe/i.test(nameOf(info))
    ? 'lavapipe'
    : /swiftshader/i.test(nameOf(info))
      ? 'swiftshader'
      : undefined
}

function describe(adapter: GPUAdapter, selector: string): DeviceReport {
  const software = isSoftware(adapter.info)
  return {
    selector,
    description: { kind: software ? 'software' : 'gpu', name: nameOf(adapter.info) },
    target: software ? 'cpu-class' : 'gpu',
    limits: Object.fromEntries(reportedLimits.map((name) => [name, adapter.limits[name]])),
    features: [...adapter.features].sort(),
    matrices: matrixSupport(adapter.info),
  }
}
