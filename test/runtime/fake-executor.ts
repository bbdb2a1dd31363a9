/**
 * An executor in plain JavaScript, for tests of the trainer: linear regression by gradient descent with momentum, and noise on
 * the gradient that depends on seed and step as dropout does. All in float32, as a device would.
 */
import type { CompiledProgram, DimValues, Size, TensorSlot } from '../../runtime/abi.ts'
import type { Executor, ScalarRow, StepValues, TensorData } from '../../runtime/executor.ts'
import { threefry2x32 } from '../../runtime/random.ts'

export const features = 3
const batch: Size = { terms: [[1, 'batch']] }
const slot = (name: string, role: TensorSlot['role'], shape: readonly Size[]): TensorSlot => ({
  name,
  role,
  arena: 0,
  offset: 0,
  shape,
  dtype: 'float',
  storage: 'f32',
})

export const linearProgram: CompiledProgram = {
  abi: 1,
  name: 'Linear',
  dims: ['batch'],
  arenas: [],
  tensors: [
    slot('x', 'input', [batch, features]),
    slot('y', 'target', [batch]),
    slot('layer.weight', 'parameter', [features]),
    slot('layer.bias', 'parameter', [1]),
    slot('count', 'state', [1]),
    slot('moment.velocity.0', 'moment', [features + 1]),
    slot('loss', 'loss', []),
    slot('error', 'metric', []),
  ],
  pipelines: [],
  entries: ['step', 'evaluate'].map((name) => ({
    name,
    inputs: ['x', 'y'],
    outputs: ['loss', 'error'],
    dispatches: [],
  })),
  parameters: [
    {
      path: 'layer.weight',
      shape: [features],
      dtype: 'float',
      initial: { kind: 'uniform', low: -1, high: 1 },
      trainable: true,
    },
    { path: 'layer.bias', shape: [1], dtype: 'float', initial: { kind: 'constant', value: 0 }, trainable: true },
  ],
  states: [{ path: 'count', shape: [1], dtype: 'float', initial: { kind: 'constant', value: 0 }, trainable: false }],
  moments: [{ name: 'moment.velocity.0', arena: 0, initial: 0 }],
  stepBlock: [
    { name: 'rate', storage: 'f32', offset: 0 },
    { name: 'seed', storage: 'u32', offset: 4 },
    { name: 'step', storage: 'f32', offset: 8 },
  ],
  footprint: {
    inference: { entries: [], arenas: [], bytes: 0, staging: 0, flops: 0, moved: 0, dispatches: 0, pipelines: 0 },
    training: undefined,
  },
}

export interface FakeExecutor extends Executor {
  /** Every call, for tests of order. */
  readonly calls: string[]
  /** From this step on the loss is that. */
  spoil: { readonly step: number; readonly value: number } | undefined
  lose(reason: string): void
}

export function fakeExecutor(dims: DimValues): FakeExecutor {
  const tensors = new Map<string, Float32Array>()
  const calls: string[] = []
  let rows: ScalarRow[] = []
  let ticket = 0
  let lose: (reason: string) => void = () => {}
  const lost = new Promise<string>((resolve) => {
    lose = resolve
  })
  const get = (name: string): Float32Array => {
    const found = tensors.get(name)
    if (found === undefined) throw new Error(`${name} was never written`)
    return found
  }
  const predict = (i: number): number => {
    let sum = get('layer.bias')[0]!
    for (let k = 0; k < features; k++)
      sum = Math.fround(sum + Math.fround(get('layer.weight')[k]! * get('x')[i * features + k]!))
    return sum
  }
  const scores = (count: number) => {
    let loss = 0
    let worst = 0
    for (let i = 0; i < count; i++) {
      const error = predict(i) - get('y')[i]!
      loss += (error * error) / count
      worst = Math.max(worst, Math.abs(error))
    }
    return { loss: Math.fround(loss), error: Math.fround(worst) }
  }
  const step = (count: number, { rate = 0, seed = 0, step = 0 }: StepValues) => {
    const noise = new Uint32Array(2)
    const velocity = get('moment.velocity.0')
    const gradient = new Float32Array(features + 1)
    for (let i = 0; i < count; i++) {
      const error = (2 * (predict(i) - get('y')[i]!)) / count
      for (let k = 0; k < features; k++) gradient[k]! += error * get('x')[i * features + k]!
      gradient[features]! += error
    }
    for (let k = 0; k <= features; k++) {
      threefry2x32(seed, step, k, 0, noise)
      velocity[k] = 0.9 * velocity[k]! + gradient[k]! * (0.5 + noise[0]! / 2 ** 32)
      const [values, index] = k === features ? [get('layer.bias'), 0] : [get('layer.weight'), k]
      values[index]! -= rate * velocity[k]!
    }
    get('count')[0]! += 1
  }

  const executor: FakeExecutor = {
    calls,
    spoil: undefined,
    lose: (reason) => lose(reason),
    device: { kind: 'reference', name: 'fake' },
    program: linearProgram,
    dims,
    allocatedBytes: 0,
    lost,
    write(name, data) {
      calls.push(`write ${name}`)
      tensors.set(name, (data as Float32Array).slice())
    },
    async read(name): Promise<TensorData> {
      calls.push(`read ${name}`)
      return get(name).slice()
    },
    async run(entry, values = {}, runDims = dims) {
      calls.push(`run ${entry}`)
      const count = runDims['batch']!
      if (get('y').length !== count || get('x').length !== count * features)
        throw new Error('the batch is not of its dims’ size')
      const { loss, error } = scores(count)
      const spoilt = executor.spoil !== undefined && (values['step'] ?? 0) >= executor.spoil.step
      rows.push({ ticket: ++ticket, values: { loss: spoilt ? executor.spoil!.value : loss, error } })
      if (entry === 'step') step(count, values)
      await Promise.resolve()
      return ticket
    },
    async scalars() {
      calls.push('scalars')
      const taken = rows
      rows = []
      // A device answers later, not at once.
      await new Promise((resolve) => setImmediate(resolve))
      return taken
    },
    dispose() {},
  }
  return executor
}
