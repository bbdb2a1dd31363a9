/** W4's model in operations of TensorFlow.js: tokens [batch, T] → logits [batch · T, 65]. */
import * as tf from '@tensorflow/tfjs'

type Value = ReturnType<typeof tf.tensor>
export type Variables = Record<string, Value>

const [width, heads] = [128, 4]

export function decoder(variables: Variables, tokens: Value): Value {
  const [batch, length] = tokens.shape as [number, number]
  const rows = batch * length
  const apart = (x: Value) => x.reshape([batch, length, heads, width / heads]).transpose([0, 2, 1, 3])
  const place = tf.range(0, length, 1, 'int32')
  const future = tf.greater(place.reshape([1, length]), place.reshape([length, 1]))
  const mask = tf.where(future, tf.scalar(-1e9), tf.scalar(0))

  let x = tf.gather(variables['tok'], tokens.reshape([rows])).reshape([batch, length, width])
  x = x.add(variables['pos']).reshape([rows, width])
  for (let layer = 0; layer < 4; layer++) {
    const of = (name: string) => `l${layer}.${name}`
    const [q, k, v] = tf.split(dense(variables, of('qkv'), norm(variables, of('ln1'), x)), 3, 1)
    const scores = tf.matMul(apart(q), apart(k), false, true).mul(1 / Math.sqrt(width / heads))
    const seen = tf
      .matMul(tf.softmax(scores.add(mask)), apart(v))
      .transpose([0, 2, 1, 3])
      .reshape([rows, width])
    x = x.add(dense(variables, of('proj'), seen))
    const inner = gelu(dense(variables, of('fc'), norm(variables, of('ln2'), x)))
    x = x.add(dense(variables, of('fc2'), inner))
  }
  return norm(variables, 'lnf', x).matMul(variables['head'])
}

const dense = (variables: Variables, name: string, x: Value): Value =>
  x.matMul(variables[`${name}.w`]).add(variables[`${name}.b`])

function norm(variables: Variables, name: string, x: Value): Value {
  const centred = x.sub(x.mean(-1, true))
  const scale = centred.square().mean(-1, true).add(1e-5).rsqrt()
  return centred.mul(scale).mul(variables[`${name}.g`]).add(variables[`${name}.b`])
}

/** The approximation by tanh; the library has none. */
function gelu(x: Value): Value {
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI))
  return x.mul(0.5).mul(inner.tanh().add(1))
}
