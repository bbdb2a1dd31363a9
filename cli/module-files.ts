/**
 * The modules of a file, made by two threads where the machine has them and the file has several: the second one takes them from
 * the beginning of the file's list while this one takes them from its end: blocks are written from small sizes to great ones, and
 * this thread has a start. When no module is left, both take what else modules have (`ModulePart`). For JavaScript the second
 * loads TypeScript first. What it cannot do is done here, so that a fault is told as if there were but one.
 */
import { setImmediate } from 'node:timers/promises'
import type { EmittedFiles } from '../compiler/7-emit/typescript/emit.ts'
import {
  type ModulePart,
  moduleFiles,
  moduleInput,
  modulePart,
  moduleUnits,
  toJavaScript,
} from '../compiler/modules.ts'
import type { Program } from '../compiler/program.ts'
import type { CompiledProgram } from '../runtime/abi.ts'
import { claim, hasRoom } from './claims.ts'
import { type ModuleSettings, withHash } from './module-options.ts'
import type { SecondThread } from './second-thread.ts'

export async function filesOfModules(
  program: Program,
  settings: ModuleSettings,
  second: SecondThread | undefined,
): Promise<EmittedFiles[]> {
  const how = withHash(settings, program)
  const units = moduleUnits(program, how)
  const claimed = second?.claimed
  const shared = claimed && hasRoom(claimed, units.length) ? second.share(program.text) : undefined
  const isMine = (at: number, part: ModulePart) => !shared || claim(claimed!, at, part)
  const here = (at: number, part: ModulePart) => modulePart(program, units[at]!, how, part)
  const wholes = new Map<number, Promise<readonly CompiledProgram[]>>()
  const make = async (at: number) => {
    const input = await moduleInput(program, units[at]!, how, async (part) => {
      if (part === 'whole') return wholes.get(at) ?? here(at, part)
      if (isMine(at, part)) return here(at, part)
      return (await second!.partOf(at, part)) ?? here(at, part)
    })
    return moduleFiles(input, how, async (emitted) => (await second?.javascript(emitted)) ?? toJavaScript(emitted))
  }
  // Wholes are the longest: other parts are for who has none left.
  for (let at = units.length - 1; at >= 0 && isMine(at, 'whole'); at--) {
    wholes.set(at, ahead(here(at, 'whole')))
    if (shared) await setImmediate()
  }
  const made = new Map<number, Promise<EmittedFiles>>()
  for (const at of wholes.keys()) {
    made.set(at, ahead(make(at)))
    await setImmediate()
  }
  for (const [at, files] of (await shared) ?? []) made.set(at, Promise.resolve(files))
  for (const at of units.keys()) if (!made.has(at)) made.set(at, make(at))
  return Promise.all(units.map((_, at) => made.get(at)!))
}

/** What fails is told where it is awaited. */
function ahead<T>(made: Promise<T>): Promise<T> {
  made.catch(() => undefined)
  return made
}
