/**
 * A verb that is over in a second or a few → V8 set for that: it optimises what has run longer than usual, since most optimised code of such
 * a process would never be worth its making, and for `compile` lets the young generation grow to its full size at once, since
 * nearly all that a compiler makes lives until the end. A check makes too little for that: growing takes longer than it saves.
 */
import { setFlagsFromString } from 'node:v8'

const verbs: ReadonlySet<string> = new Set(['check', 'compile'])

export function expectBriefProcess(verb: string): void {
  // V8 names its settings as it likes, and says so where one is unknown: these are Node 20's, where they were measured.
  if (!verbs.has(verb) || process.versions.node.split('.')[0] !== '20') return
  // Bytes of bytecode run before a function is looked at: 132 KB otherwise.
  setFlagsFromString('--interrupt-budget=3000000')
  if (verb === 'compile') setFlagsFromString('--semi-space-growth-factor=16')
}
