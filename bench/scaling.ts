/**
 * Whether a training step's time grows as its work does: W1 and W4 with 8 times the batch and with 4 times the layers. Each line
 * says how many times as long the larger one takes, and how many times as much it computes, by the cost of its operations; above
 * 1.15 times that the exit status is 1. The median of a few steps, the two taking turns.
 *
 *   npx tsc -p bench/tsconfig.json && node bench/dist/bench/scaling.js [--device wasm] [--steps 5] [--only "W4 depth"]
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openCompiled, selectDevice } from '../cli/session.ts'
import { check } from '../compiler/1-check/index.ts'
import { evaluate } from '../compiler/ir/dim.ts'
import { nodesOf } from '../compiler/ir/graph.ts'
import { opOf } from '../compiler/ops/registry.ts'
import { compile } from '../compiler/pipeline.ts'
import { schedule } from '../runtime/schedule.ts'
import { elements } from '../runtime/size.ts'
import { stepValues } from '../runtime/step-values.ts'
import { initialize } from '../runtime/variables.ts'
import { root } from './root.ts'

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'wasm' },
    steps: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const device = await selectDevice(options.device, false)
const steps = Number(options.steps)

/** W1 with any number of hidden layers. */
const perceptron = `
module Hidden() { forward(x: float[B, C]) -> float[B, C] { return x |> Linear(C) |> relu } }
model M(layers: int) {
  input x: float[batch, 784]
  target y: int[batch]
  layer hidden = Hidden() * layers
  output logits = x |> Linear(512) |> relu |> hidden |> Linear(10)
  loss cross_entropy(logits, y)
}
`
const transformer = readFileSync(join(root, 'bench', 'workloads', 'w4.dlm'), 'utf8')

interface Case {
  readonly text: string
  readonly layers: number
  readonly batch: number
}
interface Opened {
  readonly work: number
  step(): Promise<number>
  close(): void
}

async function open({ text, layers, batch }: Case): Promise<Opened> {
  const model = text === perceptron ? 'M' : 'Gpt'
  const own = text.replace(/^train \{[^}]*\}/m, '').replace(/^test [^{]*\{[^}]*\}/m, '')
  const block = `train { model: ${model}(layers: ${layers}); optimizer: adam(lr: 1e-3); batch: ${batch}; ${model === 'Gpt' ? 'dims: (T: 128); ' : ''}steps: 9 }`
  const program = check({ path: 'scaling.dlm', text: `${own}\n${block}` })
  const train = program.trains[0]!
  const { program: compiled, simplified } = compile(program, {
    model,
    arguments: train.model.arguments,
    entries: ['step'],
    train,
    target: device.target,
    subgroup: device.subgroup,
  })
  const dims = { batch, ...(model === 'Gpt' && { T: 128 }) }
  const bindings = new Map<string, number>(Object.entries(dims))
  const graph = simplified.entries[0]!.phases[0]!.graph
  const work = nodesOf(graph.results).reduce(
    (sum, node) => sum + evaluate(opOf(node).cost(node, node.attributes as never).flops, bindings),
    0,
  )
  const executor = await openCompiled(compiled, device, { dims, entries: ['step'] }, simplified)
  initialize(executor, 1)
  for (const slot of compiled.tensors) {
    if (slot.role !== 'input' && slot.role !== 'target') continue
    const size = elements(slot.shape, dims)
    const draw = (i: number) => (slot.dtype === 'float' ? Math.sin(1.7 * i) : (i * 7) % 10)
    executor.write(
      slot.name,
      slot.dtype === 'float'
        ? Float32Array.from({ length: size }, (_, i) => draw(i))
        : Int32Array.from({ length: size }, (_, i) => draw(i)),
    )
  }
  const rates = [schedule(train.optimizer.rate)]
  let done = 0
  return {
    work,
    async step() {
      const start = performance.now()
      done += 1
      await executor.run('step', stepValues(compiled.stepBlock, 0, done, rates))
      await executor.scalars()
      return performance.now() - start
    },
    close: () => executor.dispose(),
  }
}

const cases: Readonly<Record<string, readonly [Case, Case]>> = {
  'W1 batch': [
    { text: perceptron, layers: 1, batch: 128 },
    { text: perceptron, layers: 1, batch: 1024 },
  ],
  'W1 depth': [
    { text: perceptron, layers: 2, batch: 128 },
    { text: perceptron, layers: 8, batch: 128 },
  ],
  'W4 batch': [
    { text: transformer, layers: 2, batch: 4 },
    { text: transformer, layers: 2, batch: 32 },
  ],
  'W4 depth': [
    { text: transformer, layers: 2, batch: 8 },
    { text: transformer, layers: 8, batch: 8 },
  ],
}

const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]!
let fits = true
for (const [name, [few, many]] of Object.entries(cases)) {
  if (!name.includes(options.only)) continue
  const pair = [await open(few), await open(many)] as const
  const times: [number[], number[]] = [[], []]
  for (let i = 0; i <= steps; i++)
    for (const [at, each] of pair.entries()) {
      const time = await each.step()
      if (i > 0) times[at]!.push(time)
    }
  for (const each of pair) each.close()
  const [a, b] = times.map(median) as [number, number]
  const work = pair[1].work / pair[0].work
  fits &&= b / a <= 1.15 * work
  const shown = [a, b].map((time) => time.toFixed(1)).join(' → ')
  console.log(`${name}  ${shown} ms: ${(b / a).toFixed(2)} times, for ${work.toFixed(2)} times the work`)
}
process.exit(fits ? 0 : 1)
