/** `dlmc check FILE…`: diagnostics, and nothing else. */
import { DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { toJson } from '../compiler/diagnostics/render.ts'
import { exitCodes, show } from './failure.ts'
import { errorsOf, loadProgram } from './load.ts'
import type { Verb } from './options.ts'
import { terminal } from './terminal.ts'

export const checkVerb: Verb = (program, run) => {
  program
    .command('check')
    .description('check files and report every fault found')
    .argument('<file...>')
    .option('--json', 'diagnostics as JSON on stdout')
    .option('--quiet', 'say nothing when all is well')
    .action((files: string[], options: Options) => run(async () => checkFiles(files, options)))
}

interface Options {
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What words ask for that are nothing but files and switches of this verb; other words are for the parser. */
export function plainCheck(words: readonly string[]): (() => number) | undefined {
  const switches = words.filter((word) => word.startsWith('-'))
  const files = words.filter((word) => !word.startsWith('-'))
  if (files.length === 0 || switches.some((word) => word !== '--json' && word !== '--quiet')) return undefined
  return () => checkFiles(files, { json: switches.includes('--json'), quiet: switches.includes('--quiet') })
}

function checkFiles(files: readonly string[], { json, quiet }: Options): number {
  const diagnostics = files.flatMap((file) => diagnose(file))
  if (json) terminal.json(diagnostics.map(toJson))
  else show(diagnostics)
  const errors = errorsOf(diagnostics).length
  if (errors === 0 && !json && !quiet) terminal.error(`${files.join(', ')}: no errors`)
  return errors > 0 ? exitCodes.wrong : exitCodes.done
}

function diagnose(file: string) {
  try {
    return loadProgram(file).diagnostics
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics
    throw error
  }
}
