/** The functions of a program's pipelines, and those that they call, as one module. */
import type { WasmCode } from '../../../runtime/abi.ts'
import type { CodeObject, SizedFunction } from '../../lowered.ts'
import { pitches, workspaceBytes } from './contract-schedule.ts'
import { isMathematics, mathematicsCode } from './mathematics.ts'
import { microCode } from './micro.ts'
import { linkModule } from './module.ts'

export function link(functions: readonly SizedFunction[]): WasmCode {
  const called = new Set(functions.flatMap((f) => f.code.calls.map((c) => c.name)))
  const helpers = [...called].sort().map((name): SizedFunction => ({ name, code: { ...helperCode(name), sizes: [] } }))
  return linkModule([...helpers, ...functions], workspaceBytes)
}

/** The same in each program. */
function helperCode(name: string): CodeObject {
  const known = helperCodes.get(name)
  if (known) return known
  const made = isMathematics(name) ? mathematicsCode(name) : microCode(pitches)
  helperCodes.set(name, made)
  return made
}
const helperCodes = new Map<string, CodeObject>()
