/** Random programs, planned as a whole and run in a session, on WebAssembly and on the test adapter; batches without examples too. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { randomGraph } from '../random-graph.ts'
import { planDisagreements, withInputs } from './plan-disagreements.ts'

/** `DLM_RANDOM_PROGRAMS=2000` for a longer search; `DLM_RANDOM_SEED` to begin elsewhere. */
const count = process.env['DLM_RANDOM_PROGRAMS']
const first = Number(process.env['DLM_RANDOM_SEED'] ?? 1)
const adapter = process.env['DLM_ADAPTER'] ?? 'software'

const draw = (seed: number) => randomGraph(seed, { nodes: 6 + (seed % 30), gradients: seed % 2 === 0 })
const isEmpty = (seed: number) => draw(seed).dims.get('batch') === 0

async function check(device: string, seed: number): Promise<void> {
  const made = draw(seed)
  const given = withInputs(made.graph)
  const graph = seed % 4 < 2 ? simplify(given) : given
  expect((await planDisagreements(device, graph, made.dims, seed, made.leaves)).slice(0, 3)).toEqual([])
}

const seeds = Array.from({ length: Number(count ?? 200) }, (_, i) => first + i)
describe('random plans', () => {
  it.each(seeds)('program %i on WebAssembly', (seed) => check('wasm', seed))
  it.each(seeds.slice(0, 8))('program %i on the adapter', (seed) => check(adapter, seed))
  it.each(seeds.filter(isEmpty))('program %i on the adapter, without examples', (seed) => check(adapter, seed))
})
