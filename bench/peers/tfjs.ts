/**
 * TensorFlow.js with its WebGPU backend, as its users write it: layers for W1, W2 and W3, variables and operations for W4,
 * `optimizer.minimize` for a step.
 */
import './as-browser.ts'
import * as tf from '@tensorflow/tfjs'
import '@tensorflow/tfjs-backend-webgpu'
import { type ModelName, models } from '../workloads.ts'
import { faults, listen, nameOfAdapter } from './browser.ts'
import type { Job } from './job.ts'
import { type Subject, serve } from './serve.ts'
import { decoder, type Variables } from './tfjs-decoder.ts'

/** The library's values; its types are not installed here. */
type Value = ReturnType<typeof tf.tensor>

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

const tensor = (job: Job, name: string, dtype?: string): Value => {
  const { data, shape } = job.inputs.get(name)!
  return tf.tensor(data, [...shape], dtype ?? (data instanceof Int32Array ? 'int32' : 'float32'))
}

type Forward = (x: Value, training: boolean) => Value

function forwardOf(job: Job, model: ModelName): { forward: Forward; variables: Variables | undefined } {
  const weights = [...job.weights.values()]
  if (model === 'W4') {
    const variables: Variables = Object.fromEntries(
      weights.map(({ name, data, shape }) => [name, tf.variable(tf.tensor(data, [...shape]), true, name)]),
    )
    return { variables, forward: (x) => decoder(variables, x) }
  }
  const net = layers(model)
  net.setWeights(weights.map(({ data, shape }) => tf.tensor(data, [...shape])))
  return { variables: undefined, forward: (x, training) => net.apply(x, { training }) }
}

function layers(model: Exclude<ModelName, 'W4'>) {
  const net = tf.sequential()
  const add = (...list: readonly Value[]) => {
    for (const layer of list) net.add(layer)
  }
  const { dense, conv2d, maxPooling2d, flatten, embedding, lstm } = tf.layers
  const relu = (units: number, extra = {}) => dense({ units, activation: 'relu', ...extra })
  const filters = (count: number, kernelSize: number, extra = {}) => [
    conv2d({ filters: count, kernelSize, padding: 'same', activation: 'relu', ...extra }),
    maxPooling2d({ poolSize: 2 }),
  ]
  switch (model) {
    case 'W1':
      add(relu(512, { inputShape: [784] }), relu(512), dense({ units: 10 }))
      return net
    case 'W2':
      add(...filters(16, 5, { inputShape: [32, 32, 3] }), ...filters(20, 5), ...filters(20, 3))
      add(flatten(), relu(80), relu(20), dense({ units: 2 }))
      return net
    case 'W3':
      add(embedding({ inputDim: 65, outputDim: 128, inputLength: 64 }))
      add(lstm({ units: 256, returnSequences: true, recurrentActivation: 'sigmoid', unitForgetBias: false }))
      add(dense({ units: 65 }))
      return net
    default:
      return model satisfies never
  }
}

const classes = { W1: 10, W2: 2, W3: 65, W4: 65 } as const

function training(job: Job, model: ModelName): Subject {
  const { forward, variables } = forwardOf(job, model)
  const { rate, weightDecay } = models[model]
  const optimizer = tf.train.adam(rate, 0.9, 0.999, 1e-8)
  let last: Value
  return {
    run() {
      last?.dispose()
      const [x, y] = [tensor(job, 'x'), tensor(job, 'y')]
      // There is no AdamW: weights are decayed first, as AdamW does, and then updated by Adam.
      if (weightDecay > 0)
        tf.tidy(() => {
          for (const variable of Object.values(variables!)) variable.assign(variable.mul(1 - rate * weightDecay))
        })
      last = optimizer.minimize(() => {
        const logits = forward(x, true).reshape([-1, classes[model]])
        return tf.losses.softmaxCrossEntropy(tf.oneHot(y.reshape([-1]), classes[model]), logits)
      }, true)
      tf.dispose([x, y])
    },
    loss: async () => (await last.data())[0],
  }
}

function inference(job: Job, model: ModelName): Subject {
  const { forward } = forwardOf(job, model)
  let last: Value
  return {
    run() {
      last?.dispose()
      last = tf.tidy(() => forward(tensor(job, 'x'), false))
    },
    output: () => last.data(),
  }
}

function product(job: Job): Subject {
  const [a, b] = [tensor(job, 'a'), tensor(job, 'b')]
  const results: Value[] = []
  return {
    run: () => results.push(tf.matMul(a, b)),
    output: () => results.at(-1).data(),
    async settle() {
      // One number of the last result is there when all before it is done.
      const one = tf.slice(results.at(-1), [0, 0], [1, 1])
      await one.data()
      tf.dispose([one, ...results.splice(0)])
    },
  }
}

await serve(async () => {
  await tf.setBackend('webgpu')
  await tf.ready()
  const gpu = tf.backend().device as GPUDevice
  listen(gpu)
  return { version: tf.version.tfjs as string, adapter: nameOfAdapter(gpu), faults, open }
})
