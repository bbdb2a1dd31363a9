/** `dlmc`: parses the command line, runs one verb, turns whatever happens into output and an exit code. */
import { Command, CommanderError } from 'commander'
import { exitCodes, fail } from './failure.ts'
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

async function main(argv: readonly string[]): Promise<number> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    terminal.error(`dlmc needs Node 20.19 or later; this is ${process.version}`)
    return exitCodes.usage
  }
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
    return fail(error)
  }
  return code
}

export function runCommandLine(): void {
  // What goes wrong outside the verb's own promise (a worker, a stream) ends the same way.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, failed)
  main(process.argv.slice(2)).then(ended, failed)
}

/** Dawn's threads may outlive the work: the process ends by its own word, once the streams have taken everything. */
async function ended(code: number): Promise<void> {
  await terminal.flushed()
  process.exit(code)
}

const failed = (error: unknown): Promise<void> => ended(fail(error))
