/**
 * Calls that were found without fault are not run again while faults are looked for. Whatever was checked before, a file's
 * diagnostics are those found by running every call; and no graph with calls left out is handed to anyone.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runningEveryCall } from '../../compiler/1-check/abridged-call.ts'
import { check } from '../../compiler/1-check/index.ts'
import { render } from '../../compiler/diagnostics/render.ts'
import { nodesOf } from '../../compiler/ir/graph.ts'

const root = join(import.meta.dirname, '../../models')
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.dlm'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

const told = (text: string): string[] => check({ path: 'edited.dlm', text }).diagnostics.map((d) => render(d))

function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const words = ['training', 'x', 'relu', 'Linear', 'LayerNorm', 'dropout', 'none', 'true', 'transpose', 'mean', 'batch']
const sizes = [0, 1, 2, 3, 5, 8, 10, 16, 63, 64, 65, 128]

/** One or two names or numbers of a program exchanged for others: most often sizes, where faults need shapes to be found. */
function edited(text: string, random: () => number): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const parts = text.split(/(\b\d+\b|\b[A-Za-z_]\w*\b)/)
  const places = parts.map((_, i) => i).filter((i) => i % 2 === 1)
  const numbers = places.filter((i) => /^\d/.test(parts[i]!))
  for (let edits = 1 + Math.floor(random() * 2); edits > 0; edits--)
    if (random() < 0.5) parts[pick(numbers)] = String(pick(sizes))
    else parts[pick(places)] = random() < 0.5 ? parts[pick(places)]! : pick(words)
  return parts.join('')
}

describe('what calls came to is kept', () => {
  it('an edited program is told the same, whatever was checked before', () => {
    let faulty = 0
    for (let seed = 1; seed <= 120; seed++) {
      const random = randomOf(seed)
      const { text } = sources[seed % sources.length]!
      const changed = edited(text, random)
      told(text)
      const warm = told(changed)
      expect(warm, changed).toEqual(runningEveryCall(() => told(changed)))
      faulty += warm.length > 0 ? 1 : 0
    }
    expect(faulty).toBeGreaterThan(20)
  })

  it.each(sources.map(({ path, text }) => [path, text] as const))('%s: has whole graphs', (path, text) => {
    const program = check({ path, text })
    expect(program.diagnostics).toEqual([])
    for (const training of [false, true])
      for (const name of program.models) {
        const { outputs, loss } = program.model(name, { training, unroll: true })
        const nodes = nodesOf([...outputs, ...(loss ? [{ node: loss }] : [])])
        // What stands for a call that was not run is a leaf without a scan around it.
        expect(nodes.filter(({ op }) => op === 'bound')).toEqual([])
      }
  })
})
