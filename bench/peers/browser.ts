/** Makes this Node process look like a browser with WebGPU, which is what the JavaScript peers are written for. */
import { availableParallelism } from 'node:os'
import { create, globals } from 'webgpu'
import { findSoftwareVulkan, useSoftwareVulkan } from '../../runtime/node/vulkan.ts'
import { countCalls } from './counts.ts'

export const faults: string[] = []

export function installBrowser(device: string): void {
  if (device === 'lavapipe' || device === 'swiftshader') useSoftwareVulkan(findSoftwareVulkan(device)!)
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp'
  countCalls(globals)
  Object.assign(globalThis, globals, { self: globalThis, window: globalThis })
  const navigator = { gpu: create([]), userAgent: 'node', hardwareConcurrency: availableParallelism() }
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
  // Standard output belongs to the protocol, and the libraries' warnings to nobody.
  console.warn = () => undefined
  console.log = () => undefined
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
