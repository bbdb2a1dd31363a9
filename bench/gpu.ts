/**
 * What a GPU is asked for, in one process and from one file, for a machine that has a driver and little else: products
 * against the adapter's rate of multiply-adds (float32, 16 bits, by subgroup matrices), attention, copies, and training
 * steps whose losses are checked. Pack and run:
 *
 *   ../shared/tools/gpu-pack bench/gpu.ts bench/workloads bench/references.json package.json
 *   bash .gpu/run [--device gpu] [--product 4096] [--length 4096] [--steps 20] [--workloads W1,W3,W4]
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { probeGpu } from '../cli/profile/probe-gpu.ts'
import { openCompiled, type SelectedDevice, selectDevice } from '../cli/session.ts'
import { check } from '../compiler/1-check/index.ts'
import { compile } from '../compiler/pipeline.ts'
import { isGpu } from '../runtime/device.ts'
import { allowExperiments } from '../runtime/node/matrices.ts'
import { compileAndOpen } from './dlm-session.ts'
import { expectationOf } from './expectations.ts'
import { matrixProduct } from './matrix-product.ts'
import { symmetric } from './numbers.ts'
import { root } from './root.ts'
import { spreadOf } from './statistics.ts'
import { workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'gpu' },
    product: { type: 'string', default: '4096' },
    length: { type: 'string', default: '4096' },
    steps: { type: 'string', default: '20' },
    workloads: { type: 'string', default: 'W1,W2,W3,W4' },
  },
})
// Subgroup matrices are a draft: adapters offer them only where it is asked for.
allowExperiments()
const device = await selectDevice(values.device, true)
if (!device.device || !isGpu(device.device)) throw new Error(`${device.description.name} is no WebGPU adapter`)
const gpu = device.device.device
const say = (what: string, figures: object) => console.log(JSON.stringify({ what, ...figures }))

const rates = await probeGpu(gpu)
say('adapter', { name: device.description.name, ...rates, features: [...gpu.features] })

const n = Number(values.product)
await timedModel('product float32', 'w6.dlm', new Map([['n', n]]), ['a', 'b'], n * n, 2 * n ** 3)
const halves = await matrixProduct(gpu, n, device.device.target === 'gpu' ? 'gpu' : 'cpu-class')
if (halves) {
  const { plain, best, ...counts } = halves
  // Of the rate of float32 multiply-adds: matrices may exceed it.
  const rate = (ms: number) => ({
    ms,
    gflops: (2 * n ** 3) / ms / 1e6,
    ofRate: (2 * n ** 3) / (ms / 1000) / rates.flopsPerSecond,
  })
  say('product f16, sums in float32', { n, ...rate(plain) })
  say('the same by subgroup matrices', { ...counts, ...(best && { ...rate(best.ms), schedule: best.schedule }) })
} else say('product f16', { skipped: 'the adapter has no 16-bit floats' })
const length = Number(values.length)
const [heads, width] = [8, 64]
const attention = new Map([['length', length]])
await timedModel(
  'attention forward',
  'attention.dlm',
  attention,
  ['q', 'k', 'v'],
  heads * length * width,
  4 * heads * length ** 2 * width,
)

for (const id of values.workloads.split(',')) {
  const workload = workloads.find((w) => w.id === id)
  if (workload?.kind !== 'train') continue
  await steps(workload.id, Number(values.steps)).catch((error: Error) => say(id, { failed: error.message }))
}
process.exit(0)

/** Several runs between two waits, three times; of the result it says whether it is all numbers. */
async function timedModel(
  what: string,
  file: string,
  args: ReadonlyMap<string, number>,
  names: readonly string[],
  elements: number,
  flops: number,
): Promise<void> {
  const path = join('bench', 'workloads', file)
  const program = check({ path, text: readFileSync(join(root, path), 'utf8') })
  const { program: compiled, simplified } = compile(program, {
    model: program.models[0]!,
    arguments: args,
    entries: ['infer'],
    target: device.target,
    subgroup: device.subgroup,
  })
  const executor = await openCompiled(compiled, device as SelectedDevice, { dims: {}, entries: ['infer'] }, simplified)
  for (const [index, name] of names.entries()) executor.write(name, symmetric(index + 1, elements, 1))
  const run = async (runs: number) => {
    const start = performance.now()
    for (let i = 0; i < runs; i++) await executor.run('infer')
    await gpu.queue.onSubmittedWorkDone()
    return (performance.now() - start) / runs
  }
  const first = await run(1)
  const times = [await run(5), await run(5), await run(5)]
  const { median } = spreadOf(times)
  const output = compiled.entries[0]!.outputs[0]!
  const result = await executor.read(output)
  executor.dispose()
  say(what, {
    args: Object.fromEntries(args),
    ms: median,
    gflops: flops / median / 1e6,
    ofRate: flops / (median / 1000) / rates.flopsPerSecond,
    first,
    finite: result.every(Number.isFinite),
  })
}

async function steps(id: string, count: number): Promise<void> {
  const workload = workloads.find((w) => w.id === id)!
  const expectation = await expectationOf(workload)
  const start = performance.now()
  const { executor, run } = await compileAndOpen(workload, device as SelectedDevice)
  const loss = async () => (await executor.scalars()).at(-1)!.values['loss']!
  await run()
  const firstLoss = await loss()
  const first = performance.now() - start
  const faults = [expectation.loss(1, firstLoss)]
  const times: number[] = []
  let done = 1
  for (let block = 0; block < 3; block++) {
    const began = performance.now()
    for (let step = 0; step < count; step++) await run()
    const value = await loss()
    times.push((performance.now() - began) / count)
    done += count
    faults.push(expectation.loss(done, value))
  }
  executor.dispose()
  say(id, { ms: spreadOf(times).median, first, firstLoss, faults: faults.filter((fault) => fault !== undefined) })
}
