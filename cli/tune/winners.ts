/**
 * Schedules that won, from one run of the tuner to all later compilations on the same adapter: a JSON in the user's cache,
 * by compiler version, adapter, and kernel. What a newer compiler would print differently has another signature, so that
 * an old winner is never used for another text.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runs } from '../../compiler/7-emit/wgsl/matrix-candidates.ts'
import type { Matrices, Schedule } from '../../compiler/7-emit/wgsl/schedule.ts'
import { signature } from '../../compiler/7-emit/wgsl/signature.ts'
import type { ScheduleChoice } from '../../compiler/schedule-choice.ts'
import { type Device, isGpu } from '../../runtime/device.ts'
import { writeFileAtomically } from '../../runtime/node/atomic-file.ts'
import { makeFolder } from '../../runtime/node/make-folder.ts'
import { cacheFolder } from '../cache-folder.ts'
import { UsageError } from '../failure.ts'
import { version } from '../version.ts'
import { matricesOf } from './matrices.ts'

export interface Winner {
  readonly schedule: Schedule
  /** The best for adapters that lack what this one has: of a schedule by matrices. Without, the default. */
  readonly elsewhere?: Schedule
  /** What it is, for whoever reads the file. */
  readonly kernel: string
  readonly dims: Readonly<Record<string, number>>
  /** Milliseconds with the default, and with this. */
  readonly before: number
  readonly after: number
}
/** By kernel signature. */
export type Winners = Readonly<Record<string, Winner>>
/** By compiler version, then by adapter. */
type Kept = Readonly<Record<string, Readonly<Record<string, Winners>>>>

const path = (): string => join(cacheFolder(), 'schedules.json')

/** A file that cannot be read holds nothing. */
function kept(): Kept {
  try {
    return JSON.parse(readFileSync(path(), 'utf8')) as Kept
  } catch {
    return {}
  }
}

/** Vendor and architecture, or the name of a driver that tells neither; undefined where kernels are not WGSL. */
export function adapterKey(device: Device | undefined): string | undefined {
  if (!device || !isGpu(device)) return undefined
  const { vendor, architecture } = device.device.adapterInfo
  const name = architecture === '' ? device.description.name : `${vendor} ${architecture}`
  return device.subgroup === undefined ? name : `${name}, subgroups of ${device.subgroup}`
}

export const winnersFor = (adapter: string): Winners => kept()[version]?.[adapter] ?? {}

/** What won on an adapter that need not be there now: of that name or part of it, or the only one that was tuned. */
export function tunedWinners(adapter: string | true): Winners {
  const tuned = kept()[version] ?? {}
  const names = Object.keys(tuned)
  const found = names.filter((name) => adapter === true || name.toLowerCase().includes(adapter.toLowerCase()))
  const [only] = found
  if (only !== undefined && found.length === 1) return tuned[only]!
  if (names.length === 0)
    throw new UsageError('--tuned finds nothing: no adapter was tuned yet; `dlmc tune FILE` does it')
  const which = `tuned were ${names.join('; ')}`
  throw new UsageError(
    adapter === true
      ? `--tuned must say which adapter: ${which}`
      : `--tuned ${adapter} means ${found.length === 0 ? 'none' : 'several'} of the adapters: ${which}`,
  )
}

export async function keepWinners(adapter: string, winners: Winners): Promise<void> {
  const all = kept()
  const merged: Kept = {
    ...all,
    [version]: { ...all[version], [adapter]: { ...all[version]?.[adapter], ...winners } },
  }
  makeFolder(dirname(path()))
  await writeFileAtomically(path(), `${JSON.stringify(merged, null, 1)}\n`)
}

const isByMatrices = ({ schedule }: Winner): boolean => schedule.kind === 'contract' && schedule.by === 'matrix'

/** Whether something that was kept needs an adapter to be asked for what browsers have only behind a flag. */
export const needsExperiments = (): boolean =>
  Object.values(kept()[version] ?? {}).some((winners) => Object.values(winners).some(isByMatrices))

/** How compilations for a device use what won on it. */
export function scheduleChoice(device: Device | undefined): ScheduleChoice | undefined {
  const adapter = adapterKey(device)
  if (adapter === undefined) return undefined
  return choiceOf(winnersFor(adapter), device && isGpu(device) ? matricesOf(device.device) : undefined)
}

/** Without matrices, as for modules that any adapter of a class may open, kernels by matrices have their stand-ins. */
export function choiceOf(winners: Winners, matrices?: Matrices): ScheduleChoice | undefined {
  if (Object.keys(winners).length === 0) return undefined
  return ({ kernel, emit }) => {
    const winner = winners[signature(emit())]
    const schedule =
      winner && isByMatrices(winner) && !runs(winner.schedule, matrices) ? winner.elsewhere : winner?.schedule
    // A file that somebody edited must not make one kind of kernel another.
    return schedule?.kind === kernel.kind ? schedule : undefined
  }
}
