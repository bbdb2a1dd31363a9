/** How fast a device copies and multiplies at best: measured once for an adapter, then read from the user's cache. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isGpu } from '../../runtime/device.ts'
import { writeFileAtomically } from '../../runtime/node/atomic-file.ts'
import { makeFolder } from '../../runtime/node/make-folder.ts'
import { cacheFolder } from '../cache-folder.ts'
import type { SelectedDevice } from '../session.ts'
import { probeGpu } from './probe-gpu.ts'
import { probeByPrograms } from './probe-programs.ts'

export interface Roofline {
  /** Bytes read and written a second. */
  readonly bytesPerSecond: number
  /** float32 operations a second; a multiply-add is two. */
  readonly flopsPerSecond: number
  /** When it was measured (ISO 8601). */
  readonly measured: string
}

const path = (): string => join(cacheFolder(), 'rooflines.json')

/** A cache that cannot be read is an empty one. */
function known(): Record<string, Roofline> {
  try {
    return existsSync(path()) ? (JSON.parse(readFileSync(path(), 'utf8')) as Record<string, Roofline>) : {}
  } catch {
    return {}
  }
}

export async function rooflineOf(device: SelectedDevice, again = false): Promise<Roofline> {
  const { name } = device.description
  const found = known()[name]
  if (found && !again) return found
  const rates =
    device.device && isGpu(device.device) ? await probeGpu(device.device.device) : await probeByPrograms(device)
  const roofline = { ...rates, measured: new Date().toISOString() }
  makeFolder(dirname(path()))
  await writeFileAtomically(path(), `${JSON.stringify({ ...known(), [name]: roofline }, null, 1)}\n`)
  return roofline
}

/** The least milliseconds that work can take: as long as its operations or as its bytes, whichever is longer. */
export const boundOf = ({ bytesPerSecond, flopsPerSecond }: Roofline, flops: number, bytes: number): number =>
  1000 * Math.max(flops / flopsPerSecond, bytes / bytesPerSecond)
