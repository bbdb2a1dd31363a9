/** What generated modules find in Node: the best device, and files. Importing `dlm/node` provides it. */
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { CheckpointError } from '../checkpoint-error.ts'
import type { Device } from '../device.ts'
import { NoDeviceError } from '../errors.ts'
import { type Platform, platform } from '../platform.ts'
import type { OpenSource } from '../weights-source.ts'
import { writeFileAtomically } from './atomic-file.ts'
import { findDevice } from './devices.ts'
import { coreCount, enableRelaxedSimd, startWorker } from './threads.ts'

/**
 * A GPU, else the processor through WebAssembly where that will do, else a driver in software. `DLM_DEVICE` names another one,
 * as `--device` does for `dlmc`.
 */
export async function openDefaultDevice(wasm = false, name = process.env['DLM_DEVICE']): Promise<Device> {
  if (name !== undefined && name !== '' && name !== 'auto') return deviceOf(name)
  for (const candidate of ['gpu', wasm ? 'wasm' : 'software']) {
    const found = await deviceOf(candidate).catch((error: unknown) => {
      if (error instanceof NoDeviceError) return undefined
      throw error
    })
    if (found) return found
  }
  return deviceOf('gpu')
}

async function deviceOf(name: string): Promise<Device> {
  const { device, description } = await findDevice(name)
  if (device) return device
  throw new NoDeviceError(
    `${description.name} runs no generated module: it needs the compiler`,
    'name a GPU, wasm, lavapipe or swiftshader',
  )
}

async function openFile(path: string | URL): Promise<OpenSource> {
  const name = path instanceof URL || path.startsWith('file:') ? fileURLToPath(path) : path
  const unreadable = (cause: NodeJS.ErrnoException) =>
    new CheckpointError(name, cause.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${cause.code})`, {
      fix: 'check the path',
      cause,
    })
  const file = await open(name).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(cause)
  })
  const { size } = await file.stat()
  return {
    name,
    byteLength: size,
    async read(offset, length) {
      const bytes = new Uint8Array(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await file
          .read(bytes, filled, Math.min(length - filled, 1 << 26), offset + filled)
          .catch((cause: NodeJS.ErrnoException) => {
            throw unreadable(cause)
          })
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    },
    close: () => file.close(),
  }
}

/** Whatever was provided before stays: a test, or an application with its own devices. */
export function providePlatform(): void {
  const place: Platform = platform()
  place.openDevice ??= (wasm) => openDefaultDevice(wasm)
  place.startWorker ??= startWorker
  place.waits ??= true
  enableRelaxedSimd()
  place.cores ??= coreCount()
  place.openFile ??= openFile
  place.writeFile ??= writeFileAtomically
}
