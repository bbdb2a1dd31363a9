/** Counts dispatches and new buffers of whoever uses WebGPU in this process. */
export const counts = { dispatches: 0, buffers: 0 }

/** To be called with the classes that the package `webgpu` brings, before anything is made of them. */
export function countCalls(classes: object): void {
  const { GPUComputePassEncoder, GPUDevice } = classes as Record<
    'GPUComputePassEncoder' | 'GPUDevice',
    { prototype: object }
  >
  count(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches')
  count(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', 'dispatches')
  count(GPUDevice.prototype, 'createBuffer', 'buffers')
}

function count(prototype: object, method: string, what: keyof typeof counts): void {
  const target = prototype as Record<string, (...args: unknown[]) => unknown>
  const original = target[method]!
  target[method] = function (...args) {
    counts[what] += 1
    return original.apply(this, args)
  }
}
