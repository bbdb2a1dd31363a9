/** A real adapter whose device counts what is created on it, fails when told to, and can be lost at will. */

export interface Faults {
  /** The N-th buffer (from 1) is not created: `throw`s, or is reported as out of memory. */
  buffer?: { readonly at: number; readonly how: 'throw' | 'out-of-memory' }
  /** The N-th pipeline (from 1) does not compile. */
  pipeline?: number
}

export interface FaultyAdapter {
  readonly adapter: GPUAdapter
  readonly faults: Faults
  /** Created so far, by kind. */
  readonly created: { buffers: number; pipelines: number; bindGroups: number; modules: number; bytes: number }
  /** Buffers created and not destroyed. */
  readonly alive: Set<GPUBuffer>
  lose(reason: string): void
}

/** What Dawn's out-of-memory scope gives; the runtime tells by the name. */
class GPUOutOfMemoryError {
  readonly message = 'injected'
}

export function faultyAdapter(adapter: GPUAdapter, faults: Faults = {}): FaultyAdapter {
  const created = { buffers: 0, pipelines: 0, bindGroups: 0, modules: 0, bytes: 0 }
  const alive = new Set<GPUBuffer>()
  let lose: (reason: string) => void = () => undefined
  let lostReason: string | undefined
  let memoryError = false
  const wrap = (device: GPUDevice): GPUDevice => {
    const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
      lose = (message) => {
        lostReason = message
        resolve({ reason: 'unknown', message } as GPUDeviceLostInfo)
      }
      void device.lost.then(resolve)
    })
    const original = {
      createBuffer: device.createBuffer.bind(device),
      createBindGroup: device.createBindGroup.bind(device),
      createShaderModule: device.createShaderModule.bind(device),
      createComputePipelineAsync: device.createComputePipelineAsync.bind(device),
      popErrorScope: device.popErrorScope.bind(device),
    }
    const replacement = {
      createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
        created.buffers++
        const fault = faults.buffer?.at === created.buffers ? faults.buffer.how : undefined
        if (fault === 'throw') throw new RangeError('injected')
        if (fault === 'out-of-memory') memoryError = true
        const buffer = original.createBuffer(descriptor)
        created.bytes += descriptor.size
        alive.add(buffer)
        const { destroy, mapAsync } = buffer
        Object.assign(buffer, {
          destroy() {
            alive.delete(buffer)
            destroy.call(buffer)
          },
          mapAsync(...args: Parameters<typeof mapAsync>) {
            return lostReason === undefined
              ? mapAsync.apply(buffer, args)
              : Promise.reject(new DOMException('lost', 'AbortError'))
          },
        })
        return buffer
      },
      createBindGroup(descriptor: GPUBindGroupDescriptor) {
        created.bindGroups++
        return original.createBindGroup(descriptor)
      },
      createShaderModule(descriptor: GPUShaderModuleDescriptor) {
        created.modules++
        return original.createShaderModule(descriptor)
      },
      createComputePipelineAsync(descriptor: GPUComputePipelineDescriptor) {
        created.pipelines++
        return faults.pipeline === created.pipelines
          ? Promise.reject(new Error('injected'))
          : original.createComputePipelineAsync(descriptor)
      },
      async popErrorScope() {
        const error = await original.popErrorScope()
        if (!memoryError) return error
        memoryError = false
        return new GPUOutOfMemoryError()
      },
    }
    Object.assign(device, replacement)
    Object.defineProperty(device, 'lost', { value: lost })
    return device
  }
  const { requestDevice } = adapter
  Object.assign(adapter, {
    requestDevice: async (descriptor?: GPUDeviceDescriptor) => wrap(await requestDevice.call(adapter, descriptor)),
  })
  return { adapter, faults, created, alive, lose: (reason) => lose(reason) }
}
