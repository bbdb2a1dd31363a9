/**
 * What the surroundings provide: browsers have `navigator.gpu` and `fetch`; in Node, importing `dlm/node` leaves here how to
 * open a device and files. The place is global, so that a module with its own copy of the runtime finds it too.
 */
import { type Device, isSoftware, openDevice } from './device.ts'
import { NoDeviceError } from './errors.ts'
import type { StartWorker } from './wasm/workers.ts'
import type { OpenSource } from './weights-source.ts'

export interface Platform {
  /** `wasm`: whether what asks runs there too. */
  openDevice?: (wasm: boolean) => Promise<Device>
  /** Starts a thread; browsers have their own way. */
  startWorker?: StartWorker
  /** Whether the host itself may wait for threads: a process may, a page must not. */
  waits?: boolean
  /** Threads that run at the same time. */
  cores?: number
  openFile?: (path: string | URL) => Promise<OpenSource>
  writeFile?: (path: string, bytes: Uint8Array) => Promise<void>
}

const key: unique symbol = Symbol.for('dlm.platform') as never
interface Home {
  [key]?: Platform & { readonly devices: Map<boolean, Promise<Device>> }
}

export function platform(): NonNullable<Home[typeof key]> {
  const home = globalThis as Home
  home[key] ??= { devices: new Map() }
  return home[key]
}

/** One device for all that do not bring their own; a new one after a loss. `wasm` opens what may stand in for a GPU. */
export function defaultDevice(wasm?: () => Device): Promise<Device> {
  const { devices, openDevice: open } = platform()
  const known = devices.get(wasm !== undefined)
  if (known) return known
  const opened = open ? open(wasm !== undefined) : browserDevice(wasm)
  devices.set(wasm !== undefined, opened)
  const forget = () => devices.delete(wasm !== undefined)
  opened.then(({ lost }) => lost.then(forget), forget)
  return opened
}

async function browserDevice(wasm: (() => Device) | undefined): Promise<Device> {
  const gpu = (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  if (wasm && (!adapter || isSoftware(adapter.info))) return wasm()
  if (!gpu)
    throw new NoDeviceError(
      'WebGPU is not available here',
      "use a browser that has it, on a page served by https or localhost; in Node, `import 'dlm/node'`",
    )
  if (!adapter)
    throw new NoDeviceError(
      'the browser has WebGPU and gave no adapter',
      'update the graphics driver, or switch hardware acceleration on in the browser’s settings',
    )
  return openDevice(adapter)
}
