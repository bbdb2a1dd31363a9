/**
 * What the surroundings provide: browsers have `navigator.gpu` and `fetch`; in Node, importing `dlm/node` leaves here how to
 * open a device and files. The place is global, so that a module with its own copy of the runtime finds it too.
 */
import { type Device, openDevice } from './device.ts'
import { NoDeviceError } from './errors.ts'
import type { StartWorker } from './wasm/workers.ts'
import type { OpenSource } from './weights-source.ts'

export interface Platform {
  openDevice?: () => Promise<Device>
  /** Starts a thread; browsers have their own way. */
  startWorker?: StartWorker
  /** Threads that run at the same time. */
  cores?: number
  openFile?: (path: string | URL) => Promise<OpenSource>
  writeFile?: (path: string, bytes: Uint8Array) => Promise<void>
}

const key: unique symbol = Symbol.for('dlm.platform') as never
interface Home {
  [key]?: Platform & { device?: Promise<Device> | undefined }
}

export function platform(): NonNullable<Home[typeof key]> {
  const home = globalThis as Home
  home[key] ??= {}
  return home[key]
}

/** One device for all that do not bring their own; a new one after a loss. */
export function defaultDevice(): Promise<Device> {
  const place = platform()
  place.device ??= (place.openDevice ?? browserDevice)()
  const opened = place.device
  const forget = () => {
    if (place.device === opened) place.device = undefined
  }
  opened.then(({ lost }) => lost.then(forget), forget)
  return opened
}

async function browserDevice(): Promise<Device> {
  const gpu = (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu
  if (!gpu)
    throw new NoDeviceError(
      'WebGPU is not available here',
      "use a browser that has it, on a page served by https or localhost; in Node, `import 'dlm/node'`",
    )
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter)
    throw new NoDeviceError(
      'the browser has WebGPU and gave no adapter',
      'update the graphics driver, or switch hardware acceleration on in the browser’s settings',
    )
  return openDevice(adapter)
}
