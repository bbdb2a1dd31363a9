/** A sample of an op's row → a one-node graph with values for its operands, drawn from a seed. */
import { dim } from '../../compiler/ir/dim.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import type { Sample, SampleOperand, Value } from '../../compiler/ops/op.ts'
import { type OpName, opOf } from '../../compiler/ops/registry.ts'
import { allocate } from '../../compiler/reference/evaluate.ts'

export interface SampleGraph {
  readonly builder: GraphBuilder
  readonly inputs: readonly Node[]
  readonly node: Node
  readonly values: ReadonlyMap<Node, Value>
}

export function sampleGraph(op: OpName, sample: Sample<object>, seed: number): SampleGraph {
  const builder = new GraphBuilder()
  const random = generator(seed)
  const inputs = sample.operands.map((operand, i) =>
    builder.input(`x${i}`, operand.shape.map(dim), operand.dtype ?? 'float'),
  )
  const values = new Map(inputs.map((node, i) => [node, drawValue(sample.operands[i]!, random)]))
  return { builder, inputs, node: builder.node(op, inputs, sample.attributes as never), values }
}

export function samplesOf(op: OpName): readonly Sample<object>[] {
  return opOf({ op }).samples
}

export function drawValue(operand: SampleOperand, random: () => number): Value {
  const { shape, dtype = 'float', distinct = false } = operand
  const data = allocate(
    dtype,
    shape.reduce((a, b) => a * b, 1),
    'float64',
  )
  const [low, high] = operand.range ?? (dtype === 'float' ? [-2, 2] : dtype === 'bool' ? [0, 1] : [0, 7])
  for (let i = 0; i < data.length; i++)
    data[i] = dtype === 'float' ? low + random() * (high - low) : low + Math.floor(random() * (high - low + 1))
  if (distinct && dtype === 'float') separate(data, low, high, random)
  return { shape, dtype, data }
}

/** Values a step of the range apart, in random order, shifted a little: no two are near each other. */
function separate(data: Value['data'], low: number, high: number, random: () => number): void {
  const step = (high - low) / Math.max(1, data.length)
  const shift = random() * 0.3
  for (let i = 0; i < data.length; i++) data[i] = low + (i + shift) * step
  for (let i = data.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1))
    const kept = data[i]!
    data[i] = data[other]!
    data[other] = kept
  }
}

/** mulberry32: small, seeded, good enough to draw test values. */
export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
