/**
 * How much of the benchmark's training steps is fused: dispatches and pipelines of W1 to W4 (bench/README.md). A stack's layers
 * share their pipelines, so a deeper one has as many; so it has where each layer drops elements by a random stream of its own.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { compile } from '../../compiler/pipeline.ts'
import { evaluate } from '../../runtime/size.ts'
import { root } from '../grammar/samples.ts'

const most = { w1: 14, w2: 36, w3: 25, w4: 130 }
const targets = { gpu: {}, 'cpu-class': { subgroup: 8 } } as const

function stepOf(file: string, target: keyof typeof targets, change = (text: string) => text) {
  const path = `bench/workloads/${file}.dlm`
  const program = check({ path, text: change(readFileSync(join(root, path), 'utf8')) })
  expect(program.diagnostics).toEqual([])
  const train = program.trains[0]!
  const { program: compiled } = compile(program, {
    model: train.model.name,
    entries: ['step'],
    train,
    target,
    ...targets[target],
  })
  const [entry] = compiled.entries
  return { compiled, dispatches: entry!.dispatches }
}

describe.each(Object.keys(targets) as (keyof typeof targets)[])('for %s', (target) => {
  it.each(Object.entries(most))('a step of %s is at most %i dispatches', (file, limit) => {
    const { dispatches } = stepOf(file, target)
    const dims = { batch: 32, T: 64 }
    const runs = dispatches.reduce((sum, { repeats }) => sum + (repeats === undefined ? 1 : evaluate(repeats, dims)), 0)
    expect(runs).toBeLessThanOrEqual(limit)
  })
  const pipelines = (layers: number, change: (text: string) => string) =>
    new Set(
      stepOf('w4', target, (text) => change(text.replace('layers: int = 4', `layers: int = ${layers}`))).dispatches.map(
        (d) => d.pipeline,
      ),
    ).size
  it.each([
    ['as they are', (text: string) => text],
    ['with elements dropped', (text: string) => text.replace('|> fc2)', '|> fc2 |> dropout(0.1))')],
  ])('twice the layers have as many pipelines, %s', (_, change) => {
    expect(pipelines(8, change)).toBe(pipelines(4, change))
  })
})
