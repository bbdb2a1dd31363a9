#!/usr/bin/env node
/** `dlmc`: parses the command line, runs one verb, turns whatever happens into output and an exit code. */
import { Command, CommanderError } from 'commander'
import { checkVerb } from './check.ts'
import { compileVerb } from './compile.ts'
import { devicesVerb } from './devices.ts'
import { explainVerb } from './explain.ts'
import { exitCodes, fail } from './failure.ts'
import { formatVerb } from './fmt.ts'
import { generateVerb } from './generate.ts'
import { grammarVerb } from './grammar.ts'
import { initVerb } from './init.ts'
import { inspectVerb } from './inspect.ts'
import { runVerb } from './run.ts'
import { terminal } from './terminal.ts'
import { testVerb } from './test.ts'
import { trainVerb } from './train.ts'
import { version } from './version.ts'

const verbs = [
  checkVerb,
  inspectVerb,
  trainVerb,
  runVerb,
  generateVerb,
  initVerb,
  testVerb,
  compileVerb,
  formatVerb,
  explainVerb,
  devicesVerb,
  grammarVerb,
]

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
  for (const verb of verbs)
    verb(program, async (action) => {
      code = await action()
    })
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    return fail(error)
  }
  return code
}

// What goes wrong outside the verb's own promise (a worker, a stream) ends the same way.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, async (error: unknown) => {
    const code = fail(error)
    await terminal.flushed()
    process.exit(code)
  })

// Dawn's threads may outlive the work: the process ends by its own word, once the streams have taken everything.
main(process.argv.slice(2)).then(
  async (code) => {
    await terminal.flushed()
    process.exit(code)
  },
  async (error) => {
    const code = fail(error)
    await terminal.flushed()
    process.exit(code)
  },
)
