/** The words of a command line → one verb, its options parsed; faults in the words, and help, are answered here. */
import { Command, CommanderError } from 'commander'
import { exitCodes } from './failure.ts'
import type { Verb } from './options.ts'
import { terminal } from './terminal.ts'
import { version } from './version.ts'

/** A verb is loaded when it is called; all are for help, and for the word that was meant. */
const verbs: Readonly<Record<string, () => Promise<Verb>>> = {
  check: async () => (await import('./check.ts')).checkVerb,
  inspect: async () => (await import('./inspect.ts')).inspectVerb,
  train: async () => (await import('./train.ts')).trainVerb,
  run: async () => (await import('./run.ts')).runVerb,
  generate: async () => (await import('./generate.ts')).generateVerb,
  profile: async () => (await import('./profile.ts')).profileVerb,
  evaluate: async () => (await import('./evaluate.ts')).evaluateVerb,
  tune: async () => (await import('./tune.ts')).tuneVerb,
  init: async () => (await import('./init.ts')).initVerb,
  test: async () => (await import('./test.ts')).testVerb,
  compile: async () => (await import('./compile.ts')).compileVerb,
  fmt: async () => (await import('./fmt.ts')).formatVerb,
  explain: async () => (await import('./explain.ts')).explainVerb,
  devices: async () => (await import('./devices.ts')).devicesVerb,
  grammar: async () => (await import('./grammar.ts')).grammarVerb,
}

export async function runVerb(argv: readonly string[]): Promise<number> {
  let code: number = exitCodes.done
  const program = new Command('dlmc')
    .description('compiles, trains and runs declarative deep-learning models (.dlm)')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .showSuggestionAfterError()
  const [word = ''] = argv
  const wanted = Object.hasOwn(verbs, word) ? [verbs[word]!] : /^(-V|--version)$/.test(word) ? [] : Object.values(verbs)
  try {
    for (const load of wanted)
      (await load())(program, async (action) => {
        code = await action()
      })
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    throw error
  }
  return code
}
