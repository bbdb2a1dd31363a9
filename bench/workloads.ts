/**
 * The workloads, each defined once for all peers: parameters with their first values, the batch, the learning rate. The
 * models themselves are `workloads/*.dlm` and, in each peer's own words, `peers/`. Dense weights are [inputs, outputs],
 * filters [height, width, inputs, outputs], images [height, width, channels]; a peer that wants another order changes it.
 */
import { integers, symmetric, tokenRows, uniform } from './numbers.ts'

export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

interface Common {
  readonly id: string
  readonly title: string
  /** The .dlm file, and which model's weights and inputs it is about. */
  readonly model: ModelName
}
export interface TrainingWorkload extends Common {
  readonly kind: 'train'
}
export interface InferenceWorkload extends Common {
  readonly kind: 'infer'
}
export interface ProductWorkload {
  readonly kind: 'product'
  readonly id: string
  readonly title: string
  readonly n: number
}
export type Workload = TrainingWorkload | InferenceWorkload | ProductWorkload

export type ModelName = 'W1' | 'W2' | 'W3' | 'W4'

export interface Model {
  readonly file: string
  readonly batch: number
  /** Free dims beside the batch. */
  readonly dims: Readonly<Record<string, number>>
  readonly rate: number
  readonly weightDecay: number
  readonly parameters: readonly Parameter[]
  readonly inputs: (batch: number) => readonly NamedTensor[]
}
/** Starts uniform within ±bound, or as one number. */
type Parameter = readonly [name: string, shape: readonly number[], start: { bound: number } | number]

const dense = (name: string, inputs: number, outputs: number): Parameter[] => [
  [`${name}.w`, [inputs, outputs], { bound: 1 / Math.sqrt(inputs) }],
  [`${name}.b`, [outputs], 0],
]
const filters = (name: string, size: number, inputs: number, outputs: number): Parameter[] => [
  [`${name}.w`, [size, size, inputs, outputs], { bound: 1 / Math.sqrt(size * size * inputs) }],
  [`${name}.b`, [outputs], 0],
]
const norm = (name: string, size: number): Parameter[] => [
  [`${name}.g`, [size], 1],
  [`${name}.b`, [size], 0],
]
/** As wide as a normal distribution of deviation 0.02. */
const small = { bound: 0.02 * Math.sqrt(3) }
const projection = (name: string, inputs: number, outputs: number): Parameter[] => [
  [`${name}.w`, [inputs, outputs], small],
  [`${name}.b`, [outputs], 0],
]

export const models: Readonly<Record<ModelName, Model>> = {
  W1: {
    file: 'w1.dlm',
    batch: 128,
    dims: {},
    rate: 1e-3,
    weightDecay: 0,
    parameters: [...dense('d1', 784, 512), ...dense('d2', 512, 512), ...dense('d3', 512, 10)],
    inputs: (batch) => [
      { name: 'x', shape: [batch, 784], data: Float32Array.from(uniform(1, batch * 784)) },
      { name: 'y', shape: [batch], data: integers(2, batch, 10) },
    ],
  },
  W2: {
    file: 'w2.dlm',
    batch: 64,
    dims: {},
    rate: 1e-3,
    weightDecay: 0,
    parameters: [
      ...filters('c1', 5, 3, 16),
      ...filters('c2', 5, 16, 20),
      ...filters('c3', 3, 20, 20),
      ...dense('d1', 320, 80),
      ...dense('d2', 80, 20),
      ...dense('d3', 20, 2),
    ],
    inputs: (batch) => [
      { name: 'x', shape: [batch, 32, 32, 3], data: symmetric(1, batch * 3072, 1) },
      { name: 'y', shape: [batch], data: integers(2, batch, 2) },
    ],
  },
  W3: {
    file: 'w3.dlm',
    batch: 32,
    dims: { T: 64 },
    rate: 1e-3,
    weightDecay: 0,
    parameters: [
      ['emb', [65, 128], { bound: 0.05 }],
      ['lstm.wx', [128, 1024], { bound: 1 / 16 }],
      ['lstm.wh', [256, 1024], { bound: 1 / 16 }],
      ['lstm.b', [1024], 0],
      ...dense('out', 256, 65),
    ],
    inputs: (batch) => sequences(batch, 64),
  },
  W4: {
    file: 'w4.dlm',
    batch: 16,
    dims: { T: 128 },
    rate: 1e-3,
    weightDecay: 0.01,
    parameters: [
      ['tok', [65, 128], small],
      ['pos', [128, 128], small],
      ...[0, 1, 2, 3].flatMap((layer) => [
        ...norm(`l${layer}.ln1`, 128),
        ...projection(`l${layer}.qkv`, 128, 384),
        ...projection(`l${layer}.proj`, 128, 128),
        ...norm(`l${layer}.ln2`, 128),
        ...projection(`l${layer}.fc`, 128, 512),
        ...projection(`l${layer}.fc2`, 512, 128),
      ]),
      ...norm('lnf', 128),
      ['head', [128, 65], small],
    ],
    inputs: (batch) => sequences(batch, 128),
  },
}

function sequences(batch: number, length: number): NamedTensor[] {
  const { x, y } = tokenRows(batch, length)
  return [
    { name: 'x', shape: [batch, length], data: x },
    { name: 'y', shape: [batch, length], data: y },
  ]
}

export const workloads: readonly Workload[] = [
  { kind: 'train', id: 'W1', model: 'W1', title: 'MLP, batch 128' },
  { kind: 'train', id: 'W2', model: 'W2', title: 'CNN, batch 64' },
  { kind: 'train', id: 'W3', model: 'W3', title: 'char LSTM, T 64, batch 32' },
  { kind: 'train', id: 'W4', model: 'W4', title: 'GPT, T 128, batch 16' },
  { kind: 'infer', id: 'W5-gpt', model: 'W4', title: 'GPT forward, batch 1' },
  { kind: 'infer', id: 'W5-cnn', model: 'W2', title: 'CNN forward, batch 1' },
  ...[256, 512, 1024].map(
    (n): ProductWorkload => ({ kind: 'product', id: `W6-${n}`, n, title: `product ${n}×${n}×${n}` }),
  ),
]

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** The first values of a model's parameters. */
export const startWeights = ({ parameters }: Model): NamedTensor[] =>
  parameters.map(([name, shape, start], index) => ({
    name,
    shape,
    data:
      typeof start === 'number'
        ? new Float32Array(count(shape)).fill(start)
        : symmetric(100 + index, count(shape), start.bound),
  }))

/** What one run of a workload is given. */
export function inputsOf(workload: Workload): readonly NamedTensor[] {
  switch (workload.kind) {
    case 'train':
      return models[workload.model].inputs(models[workload.model].batch)
    case 'infer':
      return models[workload.model].inputs(1)
    case 'product':
      return ['a', 'b'].map((name, index) => ({
        name,
        shape: [workload.n, workload.n],
        data: symmetric(1 + index, workload.n ** 2, 1),
      }))
    default:
      return workload satisfies never
  }
}
