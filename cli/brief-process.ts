/**
 * A verb that is over in a second or a few → V8 set for that: it optimises what has run longer than usual, since most optimised code of such
 * a process would never be worth its making. Nearly all that `compile` makes lives until the end: its young generation grows to
 * its full size at once, and the old one to a size that it hardly reaches before it is looked through. A check makes too little for that.
 */
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'

const verbs: ReadonlySet<string> = new Set(['check', 'compile'])

/** V8 names its settings as it likes, and says so where one is unknown: these are those of the Nodes they were measured with. */
const settings: Readonly<Record<string, readonly string[]>> = {
  // Bytes of bytecode run before a function is looked at: 132 KB otherwise.
  20: ['--interrupt-budget=3000000'],
  // How often the whole of a function is run before it is optimised: 3000 and 400 times otherwise.
  22: ['--invocation-count-for-turbofan=100000'],
  24: ['--invocation-count-for-turbofan=30000', '--invocation-count-for-maglev=4000'],
}

/** In MB and percent; the old generation's first size is that of threads started from here, not of this one. */
const lasting = ['--semi-space-growth-factor=16', '--heap-growing-percent=800', '--initial-old-space-size=1000']

/** Both cores compile: what helps one to collect takes the other's time. */
const onTwoCores = '--no-parallel-scavenge'

export function expectBriefProcess(verb: string): void {
  const known = settings[process.versions.node.split('.')[0]!]
  if (!known || !verbs.has(verb)) return
  for (const setting of known) setFlagsFromString(setting)
  if (verb !== 'compile') return
  for (const setting of lasting) setFlagsFromString(setting)
  if (availableParallelism() <= 2) setFlagsFromString(onTwoCores)
}
