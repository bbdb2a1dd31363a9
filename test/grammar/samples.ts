/** Programs for tests: derived from the grammar's rules with a seed, and all `.dlm` files of the repository. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { grammar } from '../../grammar/rules.ts'
import type { Source } from '../../grammar/source.ts'
import { derive, productionsOf } from './earley.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const productions = productionsOf(grammar)

export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function generated(seed: number, budget = 120): readonly string[] {
  return derive(productions, 'File', randomOf(seed), budget)
}

const spelling: Record<string, readonly string[]> = {
  NAME: ['a', 'b', 'c', 'dim', 'x'],
  NUMBER: ['0', '1', '28', '1e-3', '0.5', '100_000'],
  STRING: ['"a"', '"b c"', '"\\n"'],
  NEWLINE: ['\n'],
}
export function spell(terminals: readonly string[], seed: number): string {
  const random = randomOf(seed)
  return terminals.map((t) => (spelling[t] ? spelling[t][Math.floor(random() * spelling[t].length)] : t)).join(' ')
}

export const programs: readonly Source[] = ['std', 'models', 'test/golden', 'examples']
  .flatMap((folder) => {
    try {
      return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((e) => e.isFile() && e.name.endsWith('.dlm'))
        .map((e) => join(e.parentPath, e.name))
    } catch {
      return []
    }
  })
  .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))

/** The programs of the design page, which is what the language must be able to say. */
export const tour: Source = {
  path: 'test/grammar/tour.dlm',
  text: readFileSync(join(root, 'test/grammar/tour.dlm'), 'utf8'),
}
