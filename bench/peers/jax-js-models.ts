/** The workloads' models in jax-js, and their weights and inputs in the order it wants: channels before height and width. */
import { lax, nn, numpy as np } from '@jax-js/jax'
import type { ModelName, NamedTensor } from '../workloads.ts'

type Value = ReturnType<typeof np.array>
export type Values = Record<string, Value>

export const classes = { W1: 10, W2: 2, W3: 65, W4: 65 } as const

const dense = (p: Values, name: string, x: Value): Value => np.matmul(x, p[`${name}.w`]).add(p[`${name}.b`])
const reluDense = (p: Values, name: string, x: Value): Value => nn.relu(dense(p, name, x))

export const forwards: Readonly<Record<ModelName, (p: Values, x: Value) => Value>> = {
  W1: (p, x) => dense(p, 'd3', reluDense(p, 'd2', reluDense(p, 'd1', x))),
  W2(p, x) {
    let y = x
    for (const name of ['c1', 'c2', 'c3']) {
      const filtered = lax.conv(y, p[`${name}.w`], [1, 1], 'SAME').add(p[`${name}.b`])
      y = lax.reduceWindow(nn.relu(filtered), np.max, [2, 2], [2, 2])
    }
    return dense(p, 'd3', reluDense(p, 'd2', reluDense(p, 'd1', y.reshape([-1, 320]))))
  },
  W3(p, x) {
    const [batch, length, hidden] = [...(x.shape as [number, number]), 256]
    // The product with a number near 1 stands between the lookup and the views below, which `jit` cannot compile together.
    const embedded = np.take(p['emb'], x, 0).mul(1.0000001)
    const flat = embedded.transpose([1, 0, 2]).reshape([length * batch, 128])
    const driven = np
      .matmul(flat, p['lstm.wx'])
      .add(p['lstm.b'])
      .reshape([length, batch, 4 * hidden])
    let [h, c] = [np.zeros([batch, hidden]), np.zeros([batch, hidden])]
    const all: Value[] = []
    for (let t = 0; t < length; t++) {
      const gates = driven.ref.slice(t).add(np.matmul(h, p['lstm.wh'].ref))
      const gate = (index: number) => gates.ref.slice([], [index * hidden, (index + 1) * hidden])
      c = nn
        .sigmoid(gate(1))
        .mul(c)
        .add(nn.sigmoid(gate(0)).mul(np.tanh(gate(2))))
      h = nn.sigmoid(gate(3)).mul(np.tanh(c.ref))
      gates.dispose()
      all.push(h.ref)
    }
    for (const used of [driven, h, c, p['lstm.wh']]) used.dispose()
    const logits = dense(p, 'out', np.stack(all).reshape([length * batch, hidden]))
    return logits
      .reshape([length, batch, 65])
      .transpose([1, 0, 2])
      .reshape([batch * length, 65])
  },
  W4(p, x) {
    const [batch, length] = x.shape as [number, number]
    const [rows, width, heads] = [batch * length, 128, 4]
    const norm = (name: string, y: Value): Value => nn.standardize(y, -1).mul(p[`${name}.g`]).add(p[`${name}.b`])
    let y = np.take(p['tok'], x, 0).add(p['pos']).reshape([rows, width])
    for (let layer = 0; layer < 4; layer++) {
      const of = (name: string) => `l${layer}.${name}`
      const [q, k, v] = np
        .split(dense(p, of('qkv'), norm(of('ln1'), y.ref)), 3, 1)
        .map((t: Value) => t.reshape([batch, length, heads, width / heads]))
      const seen = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([rows, width])
      y = y.add(dense(p, of('proj'), seen))
      y = y.ref.add(dense(p, of('fc2'), nn.gelu(dense(p, of('fc'), norm(of('ln2'), y)))))
    }
    return np.matmul(norm('lnf', y), p['head'])
  },
}

export function weightsFor(model: ModelName, weights: ReadonlyMap<string, NamedTensor>): Values {
  const array = ({ data, shape }: { data: unknown; shape: readonly number[] }) => np.array(data, { shape: [...shape] })
  return Object.fromEntries(
    [...weights].map(([name, tensor]) => {
      const value = array(tensor)
      if (tensor.shape.length === 4) return [name, value.transpose([3, 2, 0, 1])]
      if (/^c\d\.b$/.test(name)) return [name, value.reshape([-1, 1, 1])]
      if (model === 'W2' && name === 'd1.w')
        return [name, value.reshape([4, 4, 20, 80]).transpose([2, 0, 1, 3]).reshape([320, 80])]
      return [name, value]
    }),
  )
}

/** The batch as an upload from host memory; images were put in order once. */
export function inputFor(model: ModelName, inputs: ReadonlyMap<string, NamedTensor>): Value {
  const { data, shape } = inputs.get('x')!
  return model === 'W2'
    ? np.array(channelsFirst(data as Float32Array, shape), { shape: [shape[0], 3, 32, 32] })
    : np.array(data, { shape: [...shape] })
}

const ordered = new WeakMap<Float32Array, Float32Array>()
function channelsFirst(data: Float32Array, shape: readonly number[]): Float32Array {
  const known = ordered.get(data)
  if (known) return known
  const [images, height, width, channels] = shape as [number, number, number, number]
  const plane = height * width
  const result = new Float32Array(data.length)
  for (let image = 0; image < images; image++)
    for (let pixel = 0; pixel < plane; pixel++)
      for (let channel = 0; channel < channels; channel++)
        result[(image * channels + channel) * plane + pixel] = data[(image * plane + pixel) * channels + channel]!
  ordered.set(data, result)
  return result
}
