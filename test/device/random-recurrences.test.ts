/** Random recurrences and their gradients, through fusion and planning, on WebAssembly and on the test adapter. */
import { describe, expect, it } from 'vitest'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { symbol } from '../../compiler/ir/dim.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { randomScan } from '../passes/random-scan.ts'
import { planDisagreements, withInputs } from './plan-disagreements.ts'

/** `DLM_RANDOM_PROGRAMS=2000` for a longer search; `DLM_RANDOM_SEED` to begin elsewhere. */
const count = process.env['DLM_RANDOM_PROGRAMS']
const first = Number(process.env['DLM_RANDOM_SEED'] ?? 1)

describe.each([
  ['wasm', 60],
  [process.env['DLM_ADAPTER'] ?? 'software', 12],
])('random recurrences on %s', (device, usual) => {
  it.each(Array.from({ length: Number(count ?? usual) }, (_, i) => first + i))('program %i', async (seed) => {
    const { graph: drawn, dims } = randomScan(seed, seed % 2 === 0)
    const given = withInputs(drawn)
    const graph = seed % 4 < 2 ? simplify(given) : given
    expect((await planDisagreements(device, graph, dims, seed)).slice(0, 3)).toEqual([])
  })
  it('that yield one value twice, without turns, and in several dispatches', async () => {
    const b = new GraphBuilder()
    const [T, batch] = [symbol('T'), symbol('batch')]
    const [stack, first] = [b.input('x', [T, batch]), b.input('first', [batch])]
    const [element, carry] = [b.bound([batch]), b.bound([batch])]
    const sum = b.add(b.mul(carry, 0.5), element)
    const results = b.scan({
      length: T,
      reverse: false,
      elements: [{ leaf: element, stack }],
      carries: [{ leaf: carry, initial: first, next: b.tanh(sum) }],
      // No carry's next value, which has a place of its own.
      yields: [b.mul(sum, sum), b.mul(sum, sum)],
    })
    const graph = b.graph(
      'turns',
      results.map((node, i) => ({ name: `r${i}`, node, role: 'output' as const })),
    )
    for (const turns of [0, 1, 300]) {
      const dims = new Map([
        ['T', turns],
        ['batch', 3],
      ])
      expect(await planDisagreements(device, graph, dims, 7), `${turns} turns`).toEqual([])
    }
  })
})
