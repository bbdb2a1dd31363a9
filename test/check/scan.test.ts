/** `scan`: its meaning in small numbers, the LSTM as the lecture writes it, and what is owned, drawn and shown inside. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import { type Node, nodesOf } from '../../compiler/ir/graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import type { ModelGraph } from '../../compiler/program.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'

const program = (text: string) => {
  const checked = check({ path: 'scan.dlm', text })
  expect(checked.diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([])
  return checked
}
const model = (text: string, training = false): ModelGraph => program(text).model('M', { training })
const codes = (text: string) => check({ path: 'scan.dlm', text }).diagnostics.map((d) => d.code)
const typeOf = (node: Node) => `${node.dtype}[${node.shape.map((d) => d.key).join(', ')}]`

describe('the meaning of scan', () => {
  const checked = program(readFileSync(new URL('./scan.dlm', import.meta.url), 'utf8'))
  for (const test of checked.tests)
    it(test.title, () => {
      for (const { condition, span, message } of test.expectations) {
        const [value] = evaluate([condition], { leaf: () => expect.fail('a test is over literals') })
        expect(value!.data[0], `${span.source.text.slice(span.start, span.end)} ${message ?? ''}`).toBe(1)
      }
    })
})

/** The program of the language's design, character by character. */
const lstm = `module LSTM(hidden: int, reverse: bool = false) {
  forward(x: float[B, T, D]) -> (all: float[B, T, hidden], last: float[B, hidden], cell: float[B, hidden]) {
    param wx: float[D, 4 * hidden]      = uniform(1 / sqrt(hidden))
    param wh: float[hidden, 4 * hidden] = uniform(1 / sqrt(hidden))
    param b:  float[4 * hidden]         = zeros

    scan x_t in x along T reverse: reverse
      carry h: float[B, hidden] = zeros, c: float[B, hidden] = zeros
    {
      let (i, f, o, g) = split(x_t @ wx + h @ wh + b, 4, axis: -1)
      next c = sigmoid(f) * c + sigmoid(i) * tanh(g)
      next h = sigmoid(o) * tanh(c)               // \`c\` after its \`next\` is the new one
      yield all = h
    }
    return (all, last: h, cell: c)
  }
}
`

const numbers = (seed: number, ...shape: number[]): Value => ({
  shape,
  dtype: 'float',
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 1.7 * i)),
})

/** An LSTM in plain loops. */
function plain(x: Value, wx: Value, wh: Value, b: Value, hidden: number, reverse: boolean) {
  const [batch, length, width] = x.shape as [number, number, number]
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v))
  const all = new Float64Array(batch * length * hidden)
  const last: number[] = []
  const cell: number[] = []
  for (let n = 0; n < batch; n++) {
    let h = new Array<number>(hidden).fill(0)
    let c = new Array<number>(hidden).fill(0)
    for (let step = 0; step < length; step++) {
      const t = reverse ? length - 1 - step : step
      const z = Array.from(b.data, (bias, k) => {
        let sum = bias
        for (let d = 0; d < width; d++) sum += x.data[(n * length + t) * width + d]! * wx.data[d * 4 * hidden + k]!
        for (let j = 0; j < hidden; j++) sum += h[j]! * wh.data[j * 4 * hidden + k]!
        return sum
      })
      c = c.map((old, k) => sigmoid(z[hidden + k]!) * old + sigmoid(z[k]!) * Math.tanh(z[3 * hidden + k]!))
      h = c.map((now, k) => sigmoid(z[2 * hidden + k]!) * Math.tanh(now))
      for (const [k, v] of h.entries()) all[(n * length + t) * hidden + k] = v
    }
    last.push(...h)
    cell.push(...c)
  }
  return { all, last, cell }
}

describe('the LSTM of the lecture', () => {
  for (const [batch, length, width, hidden, reverse] of [
    [3, 5, 2, 4, false],
    [3, 3, 3, 3, true],
    [1, 1, 1, 1, false],
    [2, 7, 5, 1, true],
  ] as const)
    it(`batch ${batch}, length ${length}, ${width} → ${hidden}${reverse ? ', reversed' : ''}`, () => {
      const m = model(
        `${lstm}model M {\n  input x: float[batch, T, ${width}]\n  layer rnn = LSTM(${hidden}, reverse: ${reverse})\n  let r = rnn(x)\n  output all = r.all\n  output last = r.last\n  output cell = r.cell\n  loss sum(r.all * r.all) + sum(r.cell * r.last)\n}`,
      )
      expect(m.outputs.map((o) => typeOf(o.node))).toEqual([
        `float[batch, T, ${hidden}]`,
        `float[batch, ${hidden}]`,
        `float[batch, ${hidden}]`,
      ])
      expect(m.parameters.map((p) => p.path)).toEqual(['rnn.wx', 'rnn.wh', 'rnn.b'])
      const [x, wx, wh, b] = [
        numbers(1, batch, length, width),
        numbers(2, width, 4 * hidden),
        numbers(3, hidden, 4 * hidden),
        numbers(4, 4 * hidden),
      ]
      const values = new Map<Node, Value>([
        [m.inputs[0]!.node, x],
        ...m.parameters.map((p, i): [Node, Value] => [p.node, [wx, wh, b][i]!]),
      ])
      const dims = new Map([
        ['batch', batch],
        ['T', length],
      ])
      const given = evaluate(
        m.outputs.map((o) => o.node),
        { dims, leaf: (node) => values.get(node)! },
      )
      const wanted = plain(x, wx, wh, b, hidden, reverse)
      for (const [i, name] of (['all', 'last', 'cell'] as const).entries())
        for (const [k, v] of wanted[name].entries()) expect(given[i]!.data[k]).toBeCloseTo(v, 12)

      const gradients = differentiate(
        m.builder,
        m.loss!,
        m.parameters.map((p) => p.node),
      )
      const at = (node: Node) => evaluate([node], { dims, leaf: (leaf) => values.get(leaf)! })[0]!.data
      for (const [i, variable] of [wx, wh, b].entries()) {
        const found = at(gradients[i]!)
        const k = Math.floor(variable.data.length / 2)
        const before = variable.data[k]!
        const [up, down] = [1e-6, -1e-6].map((nudge) => {
          variable.data[k] = before + nudge
          return at(m.loss!)[0]!
        })
        variable.data[k] = before
        expect(found[k]).toBeCloseTo((up! - down!) / 2e-6, 7)
      }
    })
})

describe('inside a scan', () => {
  const model_ = (body: string, more = '') => `${more}model M {\n  input x: float[batch, T, 4]\n  ${body}\n}`

  it('layers and parameters are made once and belong to the module', () => {
    const m = model(
      model_(
        'layer cell = Cell(4)\n  output y = cell(x)',
        'module Cell(n: int) {\n  layer gate = Linear(n)\n  forward(x: float[B, T, D]) -> float[B, T, n] {\n    scan x_t in x along T\n      carry h: float[B, n] = zeros\n    {\n      param u: float[n, n] = uniform(0.1)\n      next h = gate(x_t) * tanh(h @ u |> Linear(n)) + h\n      yield all = h\n    }\n    return all\n  }\n}\n',
      ),
    )
    expect(m.parameters.map((p) => p.path).sort()).toEqual([
      'cell.gate.bias',
      'cell.gate.weight',
      'cell.linear_1.bias',
      'cell.linear_1.weight',
      'cell.u',
    ])
  })

  it('a decoder attends over the states of an encoder, and its weights can be seen for every step', () => {
    const m = model(
      model_(
        'input y: float[batch, S, 3]\n  layer decode = Decoder(4)\n  output z = decode(y, x)',
        'module Decoder(n: int) {\n  forward(y: float[B, S, D], memory: float[B, T, n]) -> float[B, S, n] {\n    scan y_t in y along S\n      carry h: float[B, n] = mean(memory, axis: 1)\n    {\n      let weight = softmax(squeeze(memory @ expand(h, -1), -1), axis: -1)\n      expose weight\n      let context = squeeze(expand(weight, 1) @ memory, 1)\n      next h = concat([y_t, context, h]) |> Linear(n) |> tanh\n      yield all = h\n    }\n    return all\n  }\n}\n',
      ),
    )
    expect(m.outputs.map((o) => typeOf(o.node))).toEqual(['float[batch, S, 4]'])
    expect(m.exposed.map((x) => `${x.name} ${typeOf(x.node)}`)).toEqual(['decode.weight float[batch, S, T]'])
  })

  it('dropout draws other bits in each step, also in a scan inside a scan', () => {
    const text = model_(
      'scan x_t in x along T\n    carry h: float[batch, 4] = zeros\n  {\n    scan along 3\n      carry k: float[batch, 4] = ones\n    {\n      next k = k + 0\n      yield inner = dropout(k, 0.5)\n    }\n    next h = h + 0 * x_t\n    yield outer = dropout(ones([batch, 4]), 0.5)\n    yield inner = inner\n  }\n  output a = outer\n  output b = inner\n  output c = h',
    )
    const m = model(text, true)
    const leaf = (node: Node): Value =>
      node === m.randomKey ? { shape: [2], dtype: 'uint', data: Float64Array.of(3, 4) } : numbers(1, 2, 5, 4)
    const [a, b] = evaluate(
      m.outputs.map((o) => o.node),
      {
        dims: new Map([
          ['batch', 2],
          ['T', 5],
        ]),
        leaf,
      },
    )
    expect(a!.shape).toEqual([2, 5, 4])
    expect(b!.shape).toEqual([3, 5, 2, 4])
    const draws = (value: Value) =>
      new Set(Array.from({ length: value.data.length / 8 }, (_, i) => value.data.slice(i * 8, i * 8 + 8).join())).size
    expect(draws(b!)).toBeGreaterThan(12)
    expect(new Set(a!.data).size).toBe(2)
    expect(
      new Set(
        Array.from({ length: 5 }, (_, t) =>
          [...a!.data.slice(t * 4, t * 4 + 4), ...a!.data.slice(20 + t * 4, 24 + t * 4)].join(),
        ),
      ).size,
    ).toBe(5)
    expect(
      nodesOf(m.outputs)
        .filter((n) => lowerIsRandom(n))
        .map((n) => n.shape.length)
        .sort(),
    ).toEqual([3, 4])
  })
  const lowerIsRandom = (node: Node) => 'site' in node.attributes

  it('`state` of a layer, `return` and `output` are refused, with their places', () => {
    const inside = (line: string) =>
      model_(
        `scan x_t in x along T\n    carry h: float[batch, 4] = zeros\n  {\n    ${line}\n    next h = h + x_t\n  }\n  output y = h`,
      )
    expect(codes(inside('let z = x_t |> BatchNorm()'))).toContain('DLM0437')
    expect(codes(inside('return h'))).toEqual(codes(inside('output q = h')))
    expect(codes(inside('return h'))).toHaveLength(1)
    expect(codes(inside('yield h = h'))).toContain('DLM0202')
  })

  it('one fault in the body is one diagnostic', () => {
    expect(
      codes(
        model_(
          'scan x_t in x along T\n    carry h: float[batch, 4] = zeros\n  {\n    next h = h + relu(x_t, 3, 4)\n    yield all = h\n  }\n  output y = all\n  output z = h',
        ),
      ),
    ).toHaveLength(1)
  })
  it('a name of the body is gone after it', () => {
    expect(
      codes(
        model_(
          'scan x_t in x along T\n    carry h: float[batch, 4] = zeros\n  {\n    let twice = 2 * x_t\n    next h = h + twice\n  }\n  output y = h + twice + x_t',
        ),
      ),
    ).toEqual(['DLM0201', 'DLM0201'])
  })
})
