/** Programs that would unroll, nest or grow without end are refused, quickly and in words. */
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'

const model = (body: string, before = '') => `${before}\nmodel M {\n  input x: float[batch, 4]\n${body}\n}\n`
const nested = (depth: number, make: (inner: string) => string, core: string) =>
  Array.from({ length: depth }).reduce<string>((text) => make(text), core)

const bombs: Readonly<Record<string, readonly [text: string, code: string]>> = {
  'a loop of a thousand million turns': [model('  for i in 0..1000000000 {\n  }\n  output y = x'), 'DLM0408'],
  'loops within loops': [
    model(`${nested(6, (b) => `for i in 0..1000 {\n${b}\n}`, 'let x = x + 1')}\n  output y = x`),
    'DLM0408',
  ],
  'a module that contains itself': [
    model(
      '  output y = x |> A()',
      'module A() {\n  layer b = A()\n  forward(x: float[...]) -> float[...] {\n    return b(x)\n  }\n}',
    ),
    'DLM0409',
  ],
  'modules that contain each other': [
    model(
      '  output y = x |> A()',
      'module A() {\n  layer b = B()\n  forward(x: float[...]) { return b(x) }\n}\nmodule B() {\n  layer a = A()\n  forward(x: float[...]) { return a(x) }\n}',
    ),
    'DLM0409',
  ],
  'a function that calls itself': [model('  output y = f(x)', 'fn f(x: float[...]) {\n  return f(x)\n}'), 'DLM0409'],
  'a lambda that reaches itself through a function': [
    model('  output y = f(x)', 'fn f(x: float[...]) {\n  return x |> (z) => f(z)\n}'),
    'DLM0409',
  ],
  'calls that double at each level': [
    model(
      '  output y = f0(x)',
      [
        ...Array.from({ length: 60 }, (_, i) => `fn f${i}(x: any) {\n  return f${i + 1}(f${i + 1}(x))\n}`),
        'fn f60(x: any) {\n  return x\n}',
      ].join('\n'),
    ),
    'DLM0408',
  ],
  'layers that double at each level': [
    model(
      '  output y = x |> A0()',
      [
        ...Array.from(
          { length: 60 },
          (_, i) =>
            `module A${i}() {\n  layer p = A${i + 1}()\n  layer q = A${i + 1}()\n  forward(x: any) { return q(p(x)) }\n}`,
        ),
        'module A60() {\n  forward(x: any) { return x }\n}',
      ].join('\n'),
    ),
    'DLM0408',
  ],
  'stacks of stacks of stacks': [model('  layer a = Linear(4) * 1000 * 1000 * 1000\n  output y = a(x)'), 'DLM0408'],
  'a long list': [model('  output y = x', 'const a = [0] * 1000000000'), 'DLM0411'],
  'a long string': [
    model(
      '  output y = x',
      `const s0 = "0123456789"\n${Array.from({ length: 40 }, (_, i) => `const s${i + 1} = s${i} + s${i}`).join('\n')}`,
    ),
    'DLM0411',
  ],
  'lists that double': [
    model(
      '  output y = x',
      `const s0 = [1, 2]\n${Array.from({ length: 40 }, (_, i) => `const s${i + 1} = s${i} + s${i}`).join('\n')}`,
    ),
    'DLM0411',
  ],
  'lists within lists that double': [
    model(
      '  output y = x + sum(s40)',
      `const s0 = [1, 2]\n${Array.from({ length: 40 }, (_, i) => `const s${i + 1} = [s${i}, s${i}]`).join('\n')}`,
    ),
    'DLM0411',
  ],
  'a constant power': [model('  output y = x', 'const a = 2 ** 100000'), 'DLM0337'],
  'a size past 2^53': [model('  let z = broadcast(sum(x), [94906267 * 94906267])\n  output y = x'), 'DLM0337'],
  'a symbolic power': [
    `model M {\n  input x: float[a, b, c]\n  output y = reshape(x, [(a + b + c) ** 60])\n}`,
    'DLM0337',
  ],
  'a symbolic power of a power': [
    `model M {\n  input x: float[a]\n  output y = reshape(x, [((a ** 30) ** 30) ** 30])\n}`,
    'DLM0337',
  ],
  'a huge exponent of a dim': [
    `model M {\n  input x: float[a]\n  output y = reshape(x, [a ** 1000000000])\n}`,
    'DLM0337',
  ],
  'split into very many parts': [
    model('  let p = split(broadcast(sum(x), [1000000000]), 1000000000)\n  output y = x'),
    'DLM0413',
  ],
  'a range as a list': [model('  output y = x', 'const a = list(0..1000000000)'), 'DLM0411'],
  'more operations than a graph may have': [
    model('  for i in 0..400000 {\n    let x = x * 1.5 + i\n  }\n  output y = x'),
    'DLM0410',
  ],
}

describe('bombs', () => {
  for (const [name, [text, code]] of Object.entries(bombs))
    it(name, () => expect(check({ path: 'bomb.dlm', text }).diagnostics.map((d) => d.code)).toContain(code))

  it('a sum of a hundred thousand terms is refused by the parser, not by the stack', () => {
    const text = model(`  output y = x${' + 1'.repeat(100_000)}`)
    expect(check({ path: 'sum.dlm', text }).diagnostics.map((d) => d.code)).toEqual(['DLM0142'])
  })
  it('a pipeline of ten thousand stages is no bomb', () => {
    const text = model(`  output y = x${' |> relu'.repeat(10_000)}`)
    expect(check({ path: 'pipe.dlm', text }).diagnostics.map((d) => d.code)).toEqual([])
  })
})
