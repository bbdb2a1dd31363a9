/**
 * jax-js on WebGPU or its WebAssembly device: one `jit` over `valueAndGrad` and Adam, which is written out, since the
 * library's optimizers are not published. Arrays are used up by the operation that takes them, unless it takes `.ref`.
 */
import './as-browser.ts'

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as jax from '@jax-js/jax'
import { type ModelName, models } from '../workloads.ts'
import { faults, listen, nameOfAdapter } from './browser.ts'
import { addIteratorHelpers } from './iterator-helpers.ts'
import { classes, forwards, inputFor, type Values, weightsFor } from './jax-js-models.ts'
import type { Job } from './job.ts'
import { type Subject, serve } from './serve.ts'

/** The library's values; its types are not installed here. */
type Value = ReturnType<typeof jax.numpy.array>

const { numpy: np, nn, tree, jit, valueAndGrad } = jax

async function open(job: Job): Promise<Subject> {
  const { workload } = job
  switch (workload.kind) {
    case 'train':
      return training(job, workload.model)
    case 'infer':
      return inference(job, workload.model)
    case 'product':
      return product(job)
    default:
      return workload satisfies never
  }
}

function training(job: Job, model: ModelName): Subject {
  const { rate, weightDecay } = models[model]
  const labels = job.inputs.get('y')!.data
  const loss = (parameters: Values, x: Value, y: Value): Value =>
    nn
      .logSoftmax(forwards[model](parameters, x))
      .mul(nn.oneHot(y, classes[model]))
      .sum()
      .mul(-1 / labels.length)
  const adam = (parameters: Values, first: Values, second: Values, gradients: Values, c1: Value, c2: Value) => {
    const next: [Values, Values, Values] = [{}, {}, {}]
    for (const [name, parameter] of Object.entries(parameters)) {
      const gradient = gradients[name]
      const m = first[name].mul(0.9).add(gradient.ref.mul(0.1))
      const v = second[name].mul(0.999).add(np.square(gradient).mul(0.001))
      const update = m.ref
        .mul(c1.ref)
        .div(np.sqrt(v.ref.mul(c2.ref)).add(1e-8))
        .mul(rate)
      const decayed = weightDecay > 0 ? parameter.mul(1 - rate * weightDecay) : parameter
      next[0][name] = decayed.sub(update)
      next[1][name] = m
      next[2][name] = v
    }
    c1.dispose()
    c2.dispose()
    return next
  }
  const step = jit((parameters: Values, m: Values, v: Values, c1: Value, c2: Value, x: Value, y: Value) => {
    const [value, gradients] = valueAndGrad(loss)(tree.ref(parameters), x, y)
    return [value, ...adam(parameters, m, v, gradients, c1, c2)]
  })

  let parameters = weightsFor(model, job.weights)
  let [m, v] = [0, 1].map(() => tree.map((p: Value) => np.zerosLike(p.ref), parameters)) as [Values, Values]
  let last: Value
  let count = 0
  return {
    async run() {
      last?.dispose()
      count += 1
      const [c1, c2] = [0.9, 0.999].map((beta) => np.array(1 / (1 - beta ** count)))
      ;[last, parameters, m, v] = step(parameters, m, v, c1, c2, inputFor(model, job.inputs), np.array(labels))
      // Its documentation warns of long queues: on WebAssembly, W4 runs out of memory where nobody waits. It costs no time.
      if (job.device === 'wasm') await last.blockUntilReady()
    },
    loss: async () => (await last.ref.data())[0],
  }
}

function inference(job: Job, model: ModelName): Subject {
  const parameters = weightsFor(model, job.weights)
  const forward = jit(forwards[model])
  let last: Value
  return {
    run() {
      last = forward(tree.ref(parameters), inputFor(model, job.inputs))
    },
    output: () => last.data(),
  }
}

function product(job: Job): Subject {
  const [a, b] = ['a', 'b'].map((name) => {
    const { data, shape } = job.inputs.get(name)!
    return np.array(data, { shape: [...shape] })
  })
  const multiply = jit((a: Value, b: Value) => np.matmul(a, b))
  // Every result is kept until it is waited for: work whose result is gone before it was dispatched would be left out. On
  // WebAssembly, where a product takes as long in a queue as by itself, one is held at a time.
  const results: Value[] = []
  return {
    async run() {
      if (job.device === 'wasm') for (const result of results.splice(0)) result.dispose()
      results.push(multiply(a.ref, b.ref))
      if (job.device === 'wasm') await results.at(-1).blockUntilReady()
    },
    output: () => results.at(-1).ref.data(),
    async settle() {
      for (const result of results) await result.blockUntilReady()
      for (const result of results.splice(0)) result.dispose()
    },
  }
}

function version(): string {
  const path = createRequire(import.meta.url).resolve('@jax-js/jax')
  const text = readFileSync(new URL('../package.json', `file://${path}`), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

await serve(async ({ device }) => {
  addIteratorHelpers()
  const backend = device === 'wasm' ? 'wasm' : 'webgpu'
  await jax.init(backend)
  jax.defaultDevice(backend)
  const gpu = backend === 'webgpu' ? (jax.getWebGPUDevice() as GPUDevice) : undefined
  if (gpu) listen(gpu)
  return { version: version(), adapter: gpu ? nameOfAdapter(gpu) : 'WebAssembly', faults, open }
})
