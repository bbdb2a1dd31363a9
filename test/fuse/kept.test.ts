/**
 * Kernels of an earlier round of fusion, of another layer or of another graph, kept where a group is like theirs: the same
 * kernels come out as where each is built anew, and most of them are kept.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { simplify } from '../../compiler/4-simplify/simplify.ts'
import { FusedGraphs } from '../../compiler/5-fuse/alike.ts'
import { fuse } from '../../compiler/5-fuse/fuse.ts'
import { KeptKernels } from '../../compiler/5-fuse/kept.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { printKernel } from '../../compiler/ir/print-kernel.ts'
import { compile } from '../../compiler/pipeline.ts'
import { root } from '../grammar/samples.ts'
import { randomGraph } from '../random-graph.ts'

let built = 0
let kept = 0
let isKept = true
beforeEach(() => {
  built = 0
  kept = 0
  isKept = true
  const find = KeptKernels.prototype.find
  vi.spyOn(KeptKernels.prototype, 'find').mockImplementation(function (this: KeptKernels, ...given) {
    const kernel = find.apply(this, given)
    if (kernel) kept++
    return isKept ? kernel : undefined
  })
  const keep = KeptKernels.prototype.keep
  vi.spyOn(KeptKernels.prototype, 'keep').mockImplementation(function (this: KeptKernels, ...given) {
    built++
    const kernel = keep.apply(this, given)
    return isKept ? kernel : (undefined as never)
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** What is made with kernels kept, and what without. */
function bothWays<Result>(make: () => Result): { readonly with: Result; readonly without: Result } {
  isKept = true
  const withKept = make()
  isKept = false
  return { with: withKept, without: make() }
}

/** What a kernel is, and what it says of nodes. */
const told = (kernels: readonly Kernel[]) =>
  kernels.map((kernel) => ({
    text: printKernel(kernel),
    slots: kernel.slots.map(({ node, access }) => `${access} %${node.id}`),
    nodes: kernel.nodes.map(({ id }) => id),
    stops: kernel.stops.map(({ producer, consumer, reason }) => `%${producer.id} %${consumer?.id} ${reason}`),
    origins: kernel.origins,
  }))

describe('kept kernels', () => {
  it('of random programs in tight limits are those that are built anew', () => {
    for (let seed = 0; seed < 150; seed++) {
      const { graph } = randomGraph(seed, { gradients: seed % 2 === 0, nodes: 12 + (seed % 24) })
      const simplified = simplify(graph)
      for (const limits of [{}, { maxSlots: 4, maxLoads: 8 }]) {
        const made = bothWays(() => told(fuse(simplified, limits)))
        expect(made.with, `seed ${seed}`).toEqual(made.without)
      }
    }
    // Else nothing was compared.
    expect(kept).toBeGreaterThan(40)
  })
  it('of other graphs are those that each graph has alone', () => {
    const known = new FusedGraphs()
    for (let seed = 0; seed < 150; seed++) {
      const { graph } = randomGraph(seed, { gradients: seed % 2 === 0, nodes: 6 + (seed % 20) })
      const options = seed % 3 === 0 ? { maxSlots: 5 } : {}
      isKept = true
      const made = told(fuse(graph, { ...options, known }))
      isKept = false
      expect(made, `seed ${seed}`).toEqual(told(fuse(graph, options)))
    }
    expect(kept).toBeGreaterThan(40)
  })
  it('of a training step are most that a later round asks for', () => {
    const path = 'bench/workloads/w4.dlm'
    const text = readFileSync(join(root, path), 'utf8')
    // What was fused of a program is not fused again.
    const step = () => {
      const program = check({ path, text })
      const train = program.trains[0]!
      return compile(program, { model: train.model.name, entries: ['step'], train, target: 'gpu' }).program
    }
    const first = step()
    const once = built
    isKept = false
    expect(step()).toEqual(first)
    // Each kernel is made in one round; all others find it made.
    expect(once).toBeLessThan((built - once) / 2)
  })
})
