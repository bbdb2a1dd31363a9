/** WebGPU in Node: Dawn, by the npm package `webgpu`, loaded when it is first needed. */
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { NoDeviceError } from '../errors.ts'
import { hasExperiments } from './matrices.ts'

/** What may be passed to Dawn: `adapter=NAME`. */
type DawnOption = `adapter=${string}`

/**
 * Every instance stays here for the life of the process: when one is collected while a device lives, the process
 * crashes, and deleting it crashes too.
 */
const home = globalThis as { dlmDawnInstances?: GPU[] }
home.dlmDawnInstances ??= []
const held = home.dlmDawnInstances

/** An instance sees the Vulkan drivers that the environment names at this moment. */
export async function dawn(...options: readonly DawnOption[]): Promise<GPU> {
  // A run-time directory is what Mesa's drivers complain about when it is absent; they put nothing there for compute.
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp'
  const { create } = await import('webgpu').catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ERR_MODULE_NOT_FOUND'
      ? new NoDeviceError("the package 'webgpu' is not installed", 'run `npm install webgpu@0.6.2`', { cause })
      : new NoDeviceError(
          `the package 'webgpu' does not load: ${cause.message.split('\n')[0]}`,
          'run `npm install webgpu@0.6.2`, whose binary runs on glibc 2.31 and later',
          { cause },
        )
  })
  // Timestamps are coarse for fear of what a web page might measure with them. This is no web page.
  const unsafe = hasExperiments() ? ['enable-dawn-features=allow_unsafe_apis'] : []
  const gpu = create(['disable-dawn-features=timestamp_quantization', ...unsafe, ...options])
  held.push(gpu)
  return gpu
}

/** The names of all adapters. Dawn tells them when it is asked for one that does not exist. */
export async function adapterNames(): Promise<string[]> {
  if (!anyDriver()) return []
  const gpu = await dawn('adapter=\u0001')
  try {
    await gpu.requestAdapter()
    return []
  } catch (error) {
    return [...String(error).matchAll(/\* backend: '[^']*', name: '(.*)'/g)].map((match) => match[1]!)
  }
}

export async function adapterNamed(name: string): Promise<GPUAdapter | null> {
  return adapterOf(await dawn(`adapter=${name}`))
}

/** The adapter that Dawn prefers: a discrete GPU, else an integrated one, else one in software. */
export async function preferredAdapter(): Promise<GPUAdapter | null> {
  if (!anyDriver()) return null
  return adapterOf(await dawn(), { powerPreference: 'high-performance' })
}

const origins = new WeakMap<GPUAdapter, () => Promise<GPUAdapter | null>>()

async function adapterOf(gpu: GPU, options: GPURequestAdapterOptions = {}): Promise<GPUAdapter | null> {
  const adapter = await gpu.requestAdapter(options).catch(() => null)
  if (adapter) origins.set(adapter, () => adapterOf(gpu, options))
  return adapter
}

/** An adapter of this module once more: a device uses its adapter up. */
export const sameAdapter = async (adapter: GPUAdapter): Promise<GPUAdapter | null> => origins.get(adapter)?.() ?? null

/** On Linux, whether there is a Vulkan driver at all: asking Dawn where there is none makes it print warnings. */
export function anyDriver(): boolean {
  if (process.platform !== 'linux') return true
  const named = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES']
  if (named) return named.split(':').some((path) => existsSync(path))
  return driverFolders().some(
    (folder) => existsSync(folder) && readdirSync(folder).some((file) => file.endsWith('.json')),
  )
}

/** Where the Vulkan loader looks (LoaderDriverInterface.md of Vulkan-Loader, "Linux Driver Discovery"). */
function driverFolders(): string[] {
  const { env } = process
  const data = (env['XDG_DATA_DIRS'] || '/usr/local/share:/usr/share').split(':')
  const config = (env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':')
  const roots = [
    env['XDG_CONFIG_HOME'] || join(homedir(), '.config'),
    ...config,
    '/etc',
    '/usr/local/etc',
    env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'),
    ...data,
  ]
  return roots.map((root) => join(root, 'vulkan', 'icd.d'))
}
