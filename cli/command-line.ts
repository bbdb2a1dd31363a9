/** `dlmc`: runs one verb, turns whatever happens into output and an exit code. */
import { exitCodes, fail } from './failure.ts'
import { terminal } from './terminal.ts'

async function main(argv: readonly string[]): Promise<number> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    terminal.error(`dlmc needs Node 20.19 or later; this is ${process.version}`)
    return exitCodes.usage
  }
  const [word, ...words] = argv
  try {
    // An editor checks at every pause: where the words are plain, what parses any is not loaded.
    const plain = word === 'check' ? (await import('./check.ts')).plainCheck(words) : undefined
    return plain ? plain() : await (await import('./verbs.ts')).runVerb(argv)
  } catch (error) {
    return fail(error)
  }
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
