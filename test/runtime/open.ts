/** The device of these tests: the software adapter that the suite runs on. */
import { type GpuDevice, openDevice } from '../../runtime/device.ts'
import { preferredAdapter } from '../../runtime/node/dawn.ts'
import { useChosenDriver } from '../device/adapter.ts'
import { type Faults, type FaultyAdapter, faultyAdapter } from './faulty-adapter.ts'

export async function freshAdapter(): Promise<GPUAdapter> {
  useChosenDriver()
  const adapter = await preferredAdapter()
  if (!adapter) throw new Error('no adapter')
  return adapter
}

export async function freshDevice(options: { memory?: number } = {}): Promise<GpuDevice> {
  return openDevice(await freshAdapter(), options)
}

export async function faultyDevice(faults: Faults = {}): Promise<FaultyAdapter & { readonly gpu: GpuDevice }> {
  const faulty = faultyAdapter(await freshAdapter(), faults)
  return { ...faulty, gpu: await openDevice(faulty.adapter) }
}
