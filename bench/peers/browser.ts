/** Makes this Node process look like a browser with WebGPU, which is what the JavaScript peers are written for. */
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { findSoftwareVulkan, useSoftwareVulkan } from '../../runtime/node/vulkan.ts'
import { countCalls } from './counts.ts'

export const faults: string[] = []

export function installBrowser(device: string): void {
  if (device === 'lavapipe' || device === 'swiftshader') useSoftwareVulkan(findSoftwareVulkan(device)!)
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp'
  Object.assign(globalThis, { self: globalThis, window: globalThis })
  const processor = { userAgent: 'node', hardwareConcurrency: availableParallelism() }
  // A process that computes with WebAssembly has no need of WebGPU, nor of the memory that it takes.
  const navigator = device === 'wasm' ? processor : { ...processor, gpu: createGpu() }
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
  // Standard output belongs to the protocol, and the libraries' warnings to nobody.
  console.warn = () => undefined
  console.log = () => undefined
}

function createGpu(): GPU {
  const { create, globals } = createRequire(import.meta.url)('webgpu') as typeof import('webgpu')
  countCalls(globals)
  Object.assign(globalThis, globals)
  return create([])
}

export function listen(device: GPUDevice): void {
  device.addEventListener('uncapturederror', (event) => {
    const text = (event as GPUUncapturedErrorEvent).error.message.slice(0, 300)
    if (faults.length < 4) faults.push(text)
  })
}

export const nameOfAdapter = (device: GPUDevice): string => {
  const { description, device: model, vendor } = device.adapterInfo
  return description || model || vendor
}
