/** The words of `dlmc compile` → what the compiler is asked for. */
import { createHash } from 'node:crypto'
import { adapterClasses, type ModuleOptions, moduleDevices } from '../compiler/modules.ts'
import type { Program } from '../compiler/program.ts'
import { UsageError } from './failure.ts'
import { choiceOf, tunedWinners } from './tune/winners.ts'
import { version } from './version.ts'

export interface ModuleWords {
  readonly model?: string | undefined
  readonly train?: string | undefined
  readonly emit: string
  readonly devices: string
  readonly adapters?: string | undefined
  readonly standalone?: boolean | undefined
  /** An adapter that was tuned, or part of its name; true where there is but one. */
  readonly tuned?: string | true | undefined
}

/** Where a standalone module finds its copy of the runtime. */
export const copyFolder = 'dlm_runtime'

export type ModuleSettings = Omit<ModuleOptions, 'hash'>

export function moduleSettings({ emit, standalone, ...words }: ModuleWords): ModuleSettings {
  if (emit !== 'ts' && emit !== 'js') throw new UsageError(`--emit takes ts or js; this is "${emit}"`)
  return {
    version,
    emit,
    devices: listed('--devices', words.devices, moduleDevices),
    adapters: words.adapters === undefined ? undefined : listed('--adapters', words.adapters, adapterClasses),
    schedules: words.tuned === undefined ? undefined : choiceOf(tunedWinners(words.tuned)),
    model: words.model,
    train: words.train,
    ...(standalone && { runtime: `./${copyFolder}/generated.js` }),
  }
}

export const withHash = (settings: ModuleSettings, { text }: Program): ModuleOptions => ({
  ...settings,
  hash: createHash('sha256').update(text).digest('hex').slice(0, 16),
})

function listed<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map((name) => {
    const found = known.find((one) => one === name.trim())
    if (found) return found
    throw new UsageError(`${option} takes ${known.join(', ')}; this is "${name}"`)
  })
}
