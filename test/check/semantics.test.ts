/** What programs mean: names of parameters, dims, sharing, states, origins, imports. */
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { DiagnosticError } from '../../compiler/diagnostics/diagnostic.ts'
import { nodesOf } from '../../compiler/ir/graph.ts'
import type { Program } from '../../compiler/program.ts'
import { position, type Source } from '../../grammar/source.ts'

/** A program without faults. */
function program(text: string): Program {
  const checked = check({ path: 'a.dlm', text })
  expect(checked.diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([])
  return checked
}
const model = (text: string, training = false) => {
  const checked = program(text)
  return checked.model(checked.models.at(-1)!, { training })
}
const shapes = (text: string) =>
  Object.fromEntries(
    model(text).outputs.map((o) => [o.name, `${o.node.dtype}[${o.node.shape.map((d) => d.key).join(', ')}]`]),
  )
const codes = (text: string) => check({ path: 'a.dlm', text }).diagnostics.map((d) => d.code)

const encoder = `
module Attention(dim: int, heads: int, rate: float = 0) {
  require dim % heads == 0, "dim must be a multiple of heads"
  let head = dim / heads
  layer wq = Linear(dim)
  layer wk = Linear(dim)
  forward(query: float[B, T, dim], context: float[B, S, dim], mask: bool[T, S]? = none) -> float[B, T, dim] {
    let q = query |> wq |> rearrange("b t (h d) -> b h t d", h: heads)
    let k = context |> wk |> rearrange("b s (h d) -> b h s d", h: heads)
    let weight = softmax(where(mask, q @ transpose(k) / sqrt(head), -inf), axis: -1) |> dropout(rate)
    expose weight
    return weight @ k |> rearrange("b h t d -> b t (h d)")
  }
}
module Block(dim: int, heads: int) {
  layer attention = Attention(dim, heads)
  layer feed_forward = chain { Linear(2 * dim); relu; Linear(dim) }
  layer norm = LayerNorm()
  forward(x: float[B, T, dim]) -> float[B, T, dim] {
    let x = norm(x + attention(x, x))
    return norm(x + feed_forward(x))
  }
}
model Encoder(dim: int = 8) {
  input x: float[batch, T, dim]
  layer block = Block(dim, 2) * 2
  output y = x |> block
}
`

describe('names', () => {
  it('paths follow layers, stacks and chains, in the order of the tree', () => {
    expect(model(encoder).parameters.map((p) => p.path)).toEqual(
      [0, 1].flatMap((i) =>
        [
          ...['attention.wq', 'attention.wk', 'feed_forward.linear_1', 'feed_forward.linear_2', 'norm'].flatMap((l) => [
            `${l}.weight`,
            `${l}.bias`,
          ]),
        ].map((p) => `block[${i}].${p}`),
      ),
    )
  })
  it('free dims stay symbolic, in the order in which they appear', () => {
    expect(model(encoder).dims).toEqual(['batch', 'T'])
    expect(shapes(encoder)).toEqual({ y: 'float[batch, T, 8]' })
  })
  it('exposed values carry the path of their layer', () => {
    expect(model(encoder).exposed.map((x) => x.name)).toEqual([
      'block[0].attention.weight',
      'block[1].attention.weight',
    ])
  })
  it('layers are listed with what they compute and own', () => {
    const layers = model(encoder).layers
    expect(layers.slice(0, 4).map((l) => [l.path, l.kind, l.parameters.length])).toEqual([
      ['block', 'Block', 20],
      ['block[0]', 'Block', 10],
      ['block[0].attention', 'Attention', 4],
      ['block[0].attention.wq', 'Linear', 2],
    ])
    expect(layers.every((l) => l.results.length === 1)).toBe(true)
  })
  it('anonymous layers are numbered by kind; named ones keep their name; a `for` counts turns', () => {
    const text = `model M {
      input x: float[batch, 1, 8, 8]
      let y = x |> Conv2d(2, kernel: 3) |> relu |> stem: Conv2d(2, kernel: 3) |> Conv2d(2, kernel: 3) |> flatten
      for i in 0..2 {
        layer fc = Linear(4)
        let y = y |> fc |> Linear(4)
      }
      output z = y
    }`
    expect([...new Set(model(text).parameters.map((p) => p.path.replace(/\.\w+$/, '')))]).toEqual([
      'conv2d_1',
      'stem',
      'conv2d_2',
      'fc[0]',
      'linear_1',
      'fc[1]',
      'linear_2',
    ])
  })
  it('a dim of a signature may be called like a module or a model', () => {
    expect(shapes('model T {\n input x: float[batch, T, Linear]\n output y = relu(x)\n}')).toEqual({
      y: 'float[batch, T, Linear]',
    })
  })
})

describe('sharing', () => {
  it('a layer called twice has one set of parameters, and its anonymous layers too', () => {
    const text = `module Twin() {
      forward(x: float[B, D]) -> float[B, 3] { return x |> Linear(4) |> relu |> Linear(3) }
    }
    model M {
      input a: float[batch, 5]
      input b: float[batch, 5]
      layer twin = Twin()
      output y = twin(a) + twin(b)
    }`
    expect(model(text).parameters.map((p) => p.path)).toEqual([
      'twin.linear_1.weight',
      'twin.linear_1.bias',
      'twin.linear_2.weight',
      'twin.linear_2.bias',
    ])
  })
  it('`let` names a recipe: each use is a layer', () => {
    expect(
      model('model M {\n input x: float[batch, 4]\n let f = Linear(4)\n output y = x |> f |> f\n}').parameters.length,
    ).toBe(4)
  })
  it('a stack passes further arguments to each of its layers', () => {
    const text = `module Add() {
      forward(x: float[B, D], y: float[B, D]) -> float[B, D] { return x + y }
    }
    model M {
      input x: float[batch, 4]
      layer add = Add() * 3
      output y = add(x, x)
      output z = add[1](x, x)
    }`
    expect(nodesOf(model(text).outputs).filter((n) => n.op === 'add').length).toBe(3)
  })
  it('a layer can be handed to a module', () => {
    const text = `module Residual(inner: module) {
      layer body = inner
      forward(x: float[...]) -> float[...] { return x + body(x) }
    }
    model M {
      input x: float[batch, 4]
      output y = x |> Residual(Linear(4)) |> Residual(chain { Linear(8); gelu; Linear(4) })
    }`
    expect(
      model(text)
        .parameters.map((p) => p.path)
        .filter((p) => p.endsWith('weight')),
    ).toEqual(['residual_1.body.weight', 'residual_2.body.linear_1.weight', 'residual_2.body.linear_2.weight'])
  })
})

describe('dims', () => {
  const f = (signature: string, argument: string, result = 'x') =>
    shapes(
      `fn f(${signature}) { return ${result} }\nmodel M {\n  input a: float[batch, ${argument}]\n  output y = f(a)\n}`,
    ).y
  it('are solved for one unknown', () => {
    expect(f('x: float[B, 2 * n]', '2 * T', 'reshape(x, [B, 2, n])')).toBe('float[batch, 2, T]')
    expect(f('x: float[B, 3 * n + 1]', '13', 'broadcast(sum(x), [n])')).toBe('float[4]')
    expect(f('x: float[B, n + n]', '6', 'broadcast(sum(x), [n])')).toBe('float[3]')
    expect(f('x: float[..., n]', '6', 'reshape(x, shape(x)[:-1] + [n, 1])')).toBe('float[batch, 6, 1]')
  })
  it('keep a normal form', () => {
    expect(f('x: float[B, T]', 'S', 'reshape(x, [B, (T + T) div 2])')).toBe('float[batch, S]')
    expect(f('x: float[B, T]', '4 * S', 'reshape(x, [B, 4, T / 4])')).toBe('float[batch, 4, S]')
    expect(f('x: float[B, T]', 'S', 'broadcast(sum(x), [(T + 2 * 1 - 3) div 1 + 1])')).toBe('float[S]')
  })
  it('may be used as numbers', () => {
    expect(f('x: float[B, T]', 'S', 'x / T')).toBe('float[batch, S]')
    expect(f('x: float[B, T]', 'S', 'x * sqrt(T) - 1 / B')).toBe('float[batch, S]')
    expect(shapes('model M {\n input x: float[batch, T]\n output y = mean(x)\n}')).toEqual({ y: 'float[]' })
  })
  it('of a convolution follow the formula of the lecture', () => {
    expect(
      shapes(
        'model M {\n input x: float[batch, 3, H, W]\n output y = x |> Conv2d(8, kernel: 3, stride: 2, padding: 1)\n}',
      ),
    ).toEqual({ y: 'float[batch, 8, ((H + 1) // 2), ((W + 1) // 2)]' })
    expect(
      shapes('model M {\n input x: float[3, 8, 9]\n output y = x |> Conv2d(8, kernel: [3, 5], padding: same)\n}'),
    ).toEqual({ y: 'float[8, 8, 9]' })
  })
})

describe('the static part', () => {
  it('chooses layers by hyperparameters: loops, lists, functions as values', () => {
    const text = `module Stages(depths: list[int], classes: int, widths: list = [4, 8]) {
      layer stem = Conv2d(4, kernel: 3, padding: same)
      forward(x: float[B, C, H, W]) -> float[B, classes] {
        let x = stem(x) |> relu
        for i in 0..len(depths) {
          for j in 0..depths[i] {
            layer stage = Conv2d(widths[i], kernel: 3, padding: same)
            let x = x |> stage |> relu
          }
          let x = x |> max_pool2d(2)
        }
        return x |> global_avg_pool2d |> head: Linear(classes)
      }
    }
    fn activation(name: string) { return if name == "relu" then relu else gelu }
    model M(act: string = "gelu") {
      input image: float[batch, 3, 16, 16]
      let f = activation(act)
      output logits = image |> f |> Stages([1, 2], classes: 10)
    }`
    expect(shapes(text)).toEqual({ logits: 'float[batch, 10]' })
    expect([...new Set(model(text).parameters.map((p) => p.path.replace(/\.\w+$/, '')))]).toEqual(
      ['stem', 'stage[0][0]', 'stage[1][0]', 'stage[1][1]', 'head'].map((l) => `stages_1.${l}`),
    )
    expect(codes(text.replace('[1, 2], classes', '[1, "2"], classes'))).toEqual(['DLM0308'])
  })
})

describe('training', () => {
  const text =
    'model M {\n  input x: float[batch, 4]\n  output y = x |> BatchNorm() |> dropout(0.5)\n  loss mean(y)\n  loss small = 0.5 * sum(y)\n}'
  it('states take their next value only when training', () => {
    expect(model(text).states.map((s) => [s.path, s.next !== undefined])).toEqual([
      ['batch_norm_1.running_mean', false],
      ['batch_norm_1.running_var', false],
    ])
    expect(model(text, true).states.map((s) => s.next !== undefined)).toEqual([true, true])
  })
  it('dropout draws only when training, each place from its own stream', () => {
    expect(model(text).randomKey).toBeUndefined()
    const twice = model(
      'model M {\n  input x: float[batch, 4]\n  output y = x |> dropout(0.5) |> dropout(0.5)\n}',
      true,
    )
    expect(nodesOf(twice.outputs).flatMap((n) => (n.op === 'stream' ? [n.attributes.stream] : []))).toEqual([0, 1])
  })
  it('loss terms are added up and reported apart', () => {
    const { loss, lossTerms } = model(text)
    expect(lossTerms.map((t) => t.name)).toEqual(['loss', 'small'])
    expect(loss!.op).toBe('add')
  })
  it('a state read by a second call is what the first call left', () => {
    const counter = `module Count() {
      state n: float[] = zeros
      forward(x: float[B]) -> float[B] {
        next n = n + 1
        return x + n
      }
    }
    model M {
      input x: float[batch]
      layer count = Count()
      output y = count(count(x))
    }`
    const { states } = model(counter, true)
    expect(states[0]!.next!.operands[0]!.op).toBe('add')
  })
})

describe('optimizers', () => {
  const described = (setting: string) =>
    program(
      `model M {\n  input x: float[batch, 4]\n  output y = x |> Linear(1)\n  loss mean(y * y)\n}\ntrain {\n  model: M\n  optimizer: ${setting}\n  steps: 1\n}`,
    )
  it('are elaborated over one flat run, with their states as moments', () => {
    const checked = described('adamw(lr: 1e-3)')
    const { moments, result } = checked.optimizer(checked.trains[0]!.optimizer)
    expect(moments.map((m) => [m.name, m.initial])).toEqual([
      ['moments.m', 0],
      ['moments.v', 0],
    ])
    expect(result.shape.map((d) => d.key)).toEqual(['N'])
  })
})

describe('origins', () => {
  it("begin with the user's own line, whatever the standard library made of it", () => {
    const text = 'model M {\n  input x: float[batch, 4]\n  output y = x\n    |> Linear(3)\n    |> softmax\n}'
    const { origins, outputs } = model(text)
    for (const node of nodesOf(outputs)) {
      const [first, second] = origins.get(node) ?? []
      if (node.op === 'input') continue
      expect(first!.span.source.path, node.op).toBe('a.dlm')
      const { line } = position(first!.span.source, first!.span.start)
      expect(line).toBe(node.op === 'exp' ? 5 : node.op === 'contract' ? 4 : line)
      if (node.op === 'contract')
        expect([first!.path, second!.span.source.path]).toEqual(['linear_1', 'std/linear.dlm'])
    }
  })
})

describe('files', () => {
  const files: Readonly<Record<string, string>> = {
    'layers/a.dlm': 'import "b.dlm"\nconst width = 4\nfn twice(x: float[...]) -> float[...] { return double(x) }',
    'layers/b.dlm': 'fn double(x: float[...]) -> float[...] { return x + x }',
    'round.dlm': 'import "main.dlm"',
    'main.dlm': '',
    'model.dlm': 'model Other {\n  input x: float[batch]\n  output y = x\n}',
  }
  const load = (path: string, from: Source) => {
    const full = from.path.includes('/') ? `${from.path.replace(/\/[^/]*$/, '')}/${path}` : path
    return files[full] === undefined ? undefined : { path: full, text: files[full] }
  }
  const main = (text: string) => check({ path: 'main.dlm', text }, load)
  const use = 'model M {\n  input x: float[batch, width]\n  output y = twice(x)\n}'
  it('are imported whole or by name, relative to the one that imports', () => {
    expect(main(`import "layers/a.dlm"\n${use}`).diagnostics).toEqual([])
    expect(main(`import { twice, width as n } from "layers/a.dlm"\n${use.replace('width', 'n')}`).diagnostics).toEqual(
      [],
    )
  })
  it('do not pass on what they import', () => {
    expect(
      main(`import "layers/a.dlm"\nmodel M {\n  input x: float[batch]\n  output y = double(x)\n}`).diagnostics.map(
        (d) => d.code,
      ),
    ).toEqual(['DLM0201'])
  })
  it('are told of when missing, circular, forbidden or without the name', () => {
    const codesOf = (text: string) => main(text).diagnostics.map((d) => d.code)
    expect(codesOf('import "nowhere.dlm"')).toEqual(['DLM0209'])
    expect(codesOf('import "round.dlm"')).toEqual(['DLM0210'])
    expect(codesOf('import { twise } from "layers/a.dlm"')).toEqual(['DLM0211'])
    for (const path of ['/etc/passwd', '~/x.dlm', 'C:x.dlm', 'a\\\\b.dlm', ''])
      expect(codesOf(`import "${path}"`), path).toEqual(['DLM0212'])
  })
  it('bring their models for training', () => {
    const checked = main('import "model.dlm"')
    expect(checked.models).toEqual([])
    expect(checked.model('Other', { training: false }).outputs.length).toBe(1)
  })
})

describe('a program', () => {
  const sized =
    'model M(width: int, deep: bool = false) {\n  input x: float[batch, width]\n  output y = if deep then x |> Linear(2) |> Linear(2) else x |> Linear(2)\n}'
  it('elaborates a model with hyperparameters, once for each', () => {
    const checked = program(sized)
    const of = (width: number) => checked.model('M', { training: false, arguments: new Map([['width', width]]) })
    expect(of(3).parameters[0]!.shape).toEqual([2, 3])
    expect(of(3)).toBe(of(3))
    expect([...of(3).arguments]).toEqual([
      ['width', 3],
      ['deep', false],
    ])
  })
  it('tells by diagnostics what a caller did wrong', () => {
    const fault = (run: () => unknown) => {
      try {
        run()
      } catch (thrown) {
        if (thrown instanceof DiagnosticError) return thrown.diagnostics.map((d) => d.code)
      }
      return []
    }
    const checked = program(sized)
    expect(fault(() => checked.model('N', { training: false }))).toEqual(['DLM0223'])
    expect(fault(() => checked.model('M', { training: false }))).toEqual(['DLM0204'])
    expect(fault(() => checked.model('M', { training: false, arguments: new Map([['width', 'three']]) }))).toEqual([
      'DLM0308',
    ])
    expect(fault(() => checked.model('M', { training: false, arguments: new Map([['size', 3]]) }))).toEqual(
      ['DLM0203', 'DLM0204'].slice(0, 1),
    )
  })
  it('with hostile names is a program like any other', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
    for (const name of names) {
      const text = `const ${name} = 3\nmodel M${name} {\n  input in_${name}: float[batch, ${name}]\n  layer ${name}_1 = Linear(${name})\n  output out = ${name}_1(in_${name})\n}`
      expect(model(text).parameters.map((p) => p.path)).toEqual([`${name}_1.weight`, `${name}_1.bias`])
      expect(
        codes(
          `fn f(x: float[B]) { return ${name} }\nmodel M {\n  input x: float[batch]\n  output y = f(x, ${name}: 1)\n}`,
        )[0],
      ).toMatch(/^DLM020[13]$/)
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
  it('has one fault for one slip, however often it is used', () => {
    expect(
      codes(
        'module A() {\n  forward(x: float[B, D]) { return y }\n}\nmodel M {\n  input x: float[batch, 4]\n  layer a = A() * 12\n  output z = a(x) + 1\n  loss mean(z)\n}',
      ),
    ).toEqual(['DLM0201'])
    expect(
      codes(
        'model M {\n  input x: float[batch, 4]\n  let y = x |> Liner(3)\n  let z = softmax(y + 1)\n  output o = z[0] @ z\n  metric m = mean(o)\n}',
      ),
    ).toEqual(['DLM0201'])
  })
  it('reports faults that lie apart together', () => {
    expect(
      codes(
        'model M {\n  input x: float[batch, 4]\n  output a = x |> Linear("two")\n  output b = reshape(x, [3])\n  output c = softmax(x, axis: 7)\n}',
      ),
    ).toEqual(['DLM0308', 'DLM0328', 'DLM0322'])
  })
})
