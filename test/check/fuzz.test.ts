/** Whatever the text, checking ends with diagnostics: words and lines of real programs are shuffled, dropped and exchanged. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtins } from '../../compiler/1-check/builtins/index.ts'
import { check } from '../../compiler/1-check/index.ts'
import { render } from '../../compiler/diagnostics/render.ts'
import { stdSources } from '../../compiler/std.generated.ts'

const root = join(import.meta.dirname, '../..')
const models = readdirSync(join(root, 'models'), { recursive: true, encoding: 'utf8' })
  .filter((p) => p.endsWith('.dlm'))
  .map((p) => readFileSync(join(root, 'models', p), 'utf8'))

function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Small expressions of every kind over what a model has in scope, most of them wrong in some way. */
function expressionOf(random: () => number, depth: number): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const sub = () => expressionOf(random, depth - 1)
  if (depth <= 0)
    return pick([
      'x',
      'y',
      'n',
      'k',
      '0',
      '1',
      '2',
      '-1',
      '0.5',
      '"a"',
      'true',
      'none',
      '[1, 2]',
      '[]',
      '[[1, 2], [3, 4]]',
      'batch',
      'T',
      'relu',
      'Linear',
      'inf',
      'same',
      'pi',
      'training',
      '0..3',
      'M',
    ])
  switch (Math.floor(random() * 14)) {
    case 0:
    case 1:
      return `(${sub()} ${pick(['+', '-', '*', '/', 'div', '%', '@', '**', '==', '!=', '<', '<=', '>', '>=', 'and', 'or'])} ${sub()})`
    case 2:
    case 3:
    case 4:
    case 5:
      return `${pick([...builtins.keys(), 'softmax', 'cross_entropy', 'conv2d', 'max_pool2d', 'flatten', 'dropout', 'accuracy', 'per_axis'])}(${Array.from({ length: Math.floor(random() * 4) }, () => (random() < 0.2 ? `${pick(['axis', 'keep', 'stride', 'padding', 'groups', 'rate', 'shape', 'x'])}: ` : '') + sub()).join(', ')})`
    case 6:
      return `${sub()}[${pick([sub(), ':', `${sub()}:${sub()}`, '::-1', `..., ${sub()}`, `${sub()}, ${sub()}`])}]`
    case 7:
      return `(${sub()} |> ${pick(['relu', 'Linear(2)', 'Linear', 'LayerNorm()', 'BatchNorm()', 'Conv2d(2, kernel: 3)', 'Embedding(4, 3)', 'chain { Linear(3); relu }', `(Linear(3) * ${sub()})`, `((v) => ${sub()})`, sub()])})`
    case 8:
      return `(if ${sub()} then ${sub()} else ${sub()})`
    case 9:
      return `[${sub()}, ${sub()}]`
    case 10:
      return `${pick(['-', '+', 'not '])}${sub()}`
    case 11:
      return `(${sub()}, a: ${sub()}).${pick(['a', 'b', 'x'])}`
    case 12:
      return `rearrange(${sub()}, "${pick(['a b -> b a', 'a (b c) -> a b c', '... a -> a ...', 'a b c -> (a b c)', 'a -> b', '(a', ''])}", b: ${sub()})`
    default:
      return `einsum("${pick(['a b, b c -> a c', 'a b -> b', 'a, a ->', 'a b, c -> a', 'x'])}", ${sub()}, ${sub()})`
  }
}

function survives(text: string): string | undefined {
  try {
    const program = check({ path: 'fuzz.dlm', text })
    for (const diagnostic of program.diagnostics) render(diagnostic)
    return undefined
  } catch (thrown) {
    return `${thrown instanceof Error ? thrown.stack?.split('\n').slice(0, 4).join('\n') : thrown}\n${text.slice(0, 600)}`
  }
}

describe('no text makes checking fail', () => {
  it('expressions of every kind, in models, functions and tests', () => {
    const wrong: string[] = []
    for (let seed = 0; seed < 1500; seed++) {
      const random = randomOf(seed)
      const e = () => expressionOf(random, 1 + Math.floor(random() * 3))
      const text = `const k = ${random() < 0.5 ? '3' : e()}
fn f(x: float[B, D], n: int = 2) -> float[B, ...] {
  let y = ${e()}
  return ${e()}
}
module Q(n: int = 2) {
  require ${e()}
  state s: float[n] = ${random() < 0.7 ? 'zeros' : e()}
  forward(x: float[..., D]) {
    param w: float[D, n] = ${random() < 0.7 ? 'uniform(0.1)' : e()}
    let y = x @ w
    next s = ${e()}
    expose ${random() < 0.5 ? 'y' : `z = ${e()}`}
    return ${e()}
  }
}
model M(n: int = 2) {
  input x: float[batch, ${random() < 0.3 ? 'T' : '4'}]
  target t: int[batch]
  let y = ${e()}
  if ${random() < 0.5 ? 'training' : e()} {
    let y = ${e()}
  }
  scan s in ${e()} along ${random() < 0.5 ? 'T' : e()}
    carry h: float[batch, 4] = ${random() < 0.6 ? 'zeros' : e()}
  {
    next h = ${e()}
    yield ys = ${e()}
  }
  for i in ${random() < 0.5 ? '0..2' : e()} {
    let y = ${e()}
  }
  output a = ${e()}
  output b = x |> Q(n)
  loss mean(${e()})
  metric m = ${e()}
}
test "t" {
  let x = [[1, 2], [3, 4]]
  let y = ${e()}
  expect ${e()}
  expect ${e()} ~= ${e()} within ${random() < 0.7 ? '1e-3' : e()}
  expect ${e()} == ${e()}
}
`
      const fault = survives(text)
      if (fault) wrong.push(`${seed}: ${fault}`)
    }
    expect(wrong.slice(0, 3)).toEqual([])
  })

  it('real programs with words dropped, doubled and exchanged', () => {
    const wrong: string[] = []
    const sources = [
      ...models,
      ...[...stdSources.values()].map(
        (std) =>
          `${std}\nmodel M {\n  input x: float[batch, 3, 8, 8]\n  output y = x |> Conv2d(4, kernel: 3) |> relu |> BatchNorm() |> max_pool2d(2) |> flatten |> Linear(2)\n}\n`,
      ),
    ]
    for (let seed = 0; seed < 1000; seed++) {
      const random = randomOf(seed + 9000)
      const words = sources[seed % sources.length]!.split(/(\s+|[()[\]{},:|>=+*/.-])/)
      const edits = 1 + Math.floor(random() * 3)
      for (let k = 0; k < edits; k++) {
        const at = Math.floor(random() * words.length)
        const from = Math.floor(random() * words.length)
        const choice = random()
        if (choice < 0.3) words.splice(at, 1)
        else if (choice < 0.8) words[at] = words[from]!
        else words.splice(at, 0, words[from]!)
      }
      const fault = survives(words.join(''))
      if (fault) wrong.push(`${seed}: ${fault}`)
    }
    expect(wrong.slice(0, 3)).toEqual([])
  })
})
