/** What the parser makes of texts: the tree's shape, the precedence of operators, line ends, words that are only sometimes keywords. */
import { describe, expect, it } from 'vitest'
import type { Expression, File } from '../../grammar/ast.ts'
import { limits } from '../../grammar/fault.ts'
import { parse } from '../../grammar/parser.ts'
import { programs, tour } from './samples.ts'

const faultsOf = (text: string) => parse({ path: 't.dlm', text }).faults
const parsed = (text: string): File => {
  const { file, faults } = parse({ path: 't.dlm', text })
  expect(faults).toEqual([])
  return file
}
/** The only expression of `const a = …`, written as nested calls of its operators. */
const shape = (text: string) => {
  const [declaration] = parsed(`const a = ${text}`).declarations
  return declaration?.kind === 'const' ? show(declaration.value) : undefined
}
function show(e: Expression): string {
  switch (e.kind) {
    case 'number':
      return e.text
    case 'name':
      return e.name
    case 'binary':
      return `(${show(e.left)} ${e.operator} ${show(e.right)})`
    case 'unary':
      return `(${e.operator} ${show(e.operand)})`
    case 'range':
      return `(${show(e.start)} .. ${show(e.stop)})`
    case 'pipeline':
      return `[${[show(e.input), ...e.stages.map((s) => `${s.name ? `${s.name.name}: ` : ''}${show(s.value)}`)].join(' |> ')}]`
    case 'call':
      return `${show(e.callee)}(${e.arguments.map((a) => `${a.name ? `${a.name.name}: ` : ''}${show(a.value)}`).join(', ')})`
    case 'conditional':
      return `(${show(e.condition)} ? ${show(e.then)} : ${show(e.else)})`
    case 'lambda':
      return `\\${e.parameters.map((p) => p.name.name)}. ${show(e.body)}`
    case 'index':
      return `${show(e.object)}[${e.indices.map((i) => (i.kind === 'at' ? show(i.value) : i.kind === 'rest' ? '...' : [i.start, i.stop, i.step].map((x) => (x ? show(x) : '')).join(':'))).join(', ')}]`
    case 'tuple':
      return `<${e.items.map((a) => `${a.name ? `${a.name.name}: ` : ''}${show(a.value)}`).join(', ')}>`
    default:
      return e.kind
  }
}

describe('expressions', () => {
  it.each([
    ['q @ transpose(k) / sqrt(head)', '((q @ transpose(k)) / sqrt(head))'],
    ['1 - 2 - 3 * 4', '((1 - 2) - (3 * 4))'],
    ['-x ** 2', '(- (x ** 2))'],
    ['2 ** -x ** 3', '(2 ** (- (x ** 3)))'],
    ['not p == q and r or s', '(((not (p == q)) and r) or s)'],
    ['0..n - 1', '(0 .. (n - 1))'],
    ['(n + 2 * p - k) div s + 1', '((((n + (2 * p)) - k) // s) + 1)'],
    ['x + y |> f |> head: g(10) * n', '[(x + y) |> f |> head: (g(10) * n)]'],
    ['if p then x else if q then y else z', '(p ? x : (q ? y : z))'],
    ['(x) => x * 2', '\\x. (x * 2)'],
    ['x |> (y) => y + 1 |> f', '[x |> \\y. (y + 1) |> f]'],
    ['x[2, 0..3, :, 1:, :-1, ::2, ...]', 'x[2, (0 .. 3), ::, 1::, :(- 1):, ::2, ...]'],
    ['(all, last: h)', '<all, last: h>'],
    ['(x)', 'x'],
    ['(x,)', '<x>'],
    ['train', 'train'],
    ['loss + state - next', '((loss + state) - next)'],
    ['split(train, data: test, chain: 2)', 'split(train, data: test, chain: 2)'],
  ])('%s', (text, expected) => expect(shape(text)).toBe(expected))
})

describe('lines', () => {
  it('go on before an operator and inside brackets', () => {
    expect(shape('x\n  |> f\n  // between\n  |> g(\n  1,\n  2\n)')).toBe('[x |> f |> g(1, 2)]')
    expect(shape('1 +\n2\n- 3')).toBe('((1 + 2) - 3)')
  })
  it('end statements, also after a comment', () => {
    const [model] = parsed('model M {\n  loss   f(a) // why\n  metric m = b\n}').declarations
    expect(model?.kind === 'model' && model.members.map((m) => m.kind)).toEqual(['loss', 'metric'])
  })
  it('mean the same with CRLF, CR and a byte-order mark', () => {
    const strip = (file: File) =>
      JSON.stringify(file, (key, value) => (key === 'span' || key === 'operatorSpan' ? undefined : value))
    const plain = strip(parsed(tour.text))
    for (const text of [tour.text.replaceAll('\n', '\r\n'), tour.text.replaceAll('\n', '\r'), `\ufeff${tour.text}`])
      expect(strip(parsed(text))).toBe(plain)
  })
})

it('documentation goes to what follows it', () => {
  const [model] = parsed(
    '/// One.\n/// Two.\nmodel M {\n  /// The picture.\n  input image: float[batch]\n}',
  ).declarations
  expect(model?.documentation).toBe('One.\nTwo.')
  expect(model?.kind === 'model' && model.members[0]?.kind === 'input' && model.members[0].documentation).toBe(
    'The picture.',
  )
})

it('every program of the repository parses', () => {
  for (const source of programs.filter((p) => !p.path.startsWith('test/golden/')))
    expect({ path: source.path, faults: parse(source).faults.length }).toEqual({ path: source.path, faults: 0 })
})

it('every span lies in the text, and holds its parts', () => {
  const visit = (value: unknown, outer: { start: number; end: number }): void => {
    if (typeof value !== 'object' || value === null) return
    const span = (value as { span?: { start: number; end: number } }).span
    if (span)
      expect([span.start >= outer.start, span.end <= outer.end, span.start <= span.end]).toEqual([true, true, true])
    for (const [key, part] of Object.entries(value))
      if (key !== 'span' && key !== 'operatorSpan') visit(part, span ?? outer)
  }
  visit(parsed(tour.text), { start: 0, end: tour.text.length })
})

describe('limits', () => {
  const nested = (open: string, close: string, depth: number) =>
    `const a = ${open.repeat(depth)}1${close.repeat(depth)}`
  it.each([
    ['(', ')'],
    ['[', ']'],
    ['f(', ')'],
    ['x[', ']'],
  ])('%s nests %s up to 64 deep', (open, close) => {
    expect(faultsOf(nested(open, close, 63))).toEqual([])
    expect(faultsOf(nested(open, close, 64))).toEqual([])
    for (const depth of [65, 1000, 1_000_000])
      expect(faultsOf(nested(open, close, depth)).map((f) => f.kind)).toEqual(['too-deep'])
  })
  it('braces too', () => {
    const blocks = (depth: number) => `fn f() {${'if a {'.repeat(depth - 1)}${'}'.repeat(depth - 1)}}`
    expect(faultsOf(blocks(64))).toEqual([])
    for (const depth of [65, 100_000]) expect(faultsOf(blocks(depth)).map((f) => f.kind)).toEqual(['too-deep'])
  })
  it('and openers alone', () => {
    for (const open of ['(', '[', '{', '([{'])
      expect(faultsOf(open.repeat(1_000_000)).map((f) => f.kind)).toContain('too-deep')
  })
  it.each(['- ', 'not ', 'if a then b else ', '() => ', '2 ** '])('prefix %s', (prefix) => {
    expect(faultsOf(`const a = ${prefix.repeat(50)}1`)).toEqual([])
    for (const count of [1000, 100_000])
      expect(new Set(faultsOf(`const a = ${prefix.repeat(count)}1`).map((f) => f.kind))).toEqual(new Set(['too-deep']))
  })
  it.each([' + a', '.b', '(1)', '[1]', ' * 2', ' and c'])('a chain of %s', (link) => {
    expect(faultsOf(`const a = x${link.repeat(500)}`)).toEqual([])
    expect(new Set(faultsOf(`const a = x${link.repeat(100_000)}`).map((f) => f.kind))).toEqual(new Set(['too-high']))
  })
  it('else if', () => {
    const chain = (n: number) => `fn f() { if a { }${' else if b { }'.repeat(n)} }`
    expect(faultsOf(chain(60))).toEqual([])
    expect(faultsOf(chain(100_000)).map((f) => f.kind)).toContain('too-deep')
  })
  it('a long pipeline, list and block are flat', () => {
    expect(faultsOf(`const a = x${' |> f'.repeat(20_000)}`)).toEqual([])
    expect(faultsOf(`const a = [${'1, '.repeat(20_000)}]`)).toEqual([])
    expect(faultsOf(`fn f() {\n${'let x = 1\n'.repeat(20_000)}}`)).toEqual([])
  })
  it('files beyond 4 MiB are not read', () => {
    expect(faultsOf(' '.repeat(limits.text + 1)).map((f) => f.kind)).toEqual(['too-long'])
    expect(faultsOf(`${' '.repeat(limits.text - 1)}\n`)).toEqual([])
  })
  it('at most a hundred faults', () => {
    for (const text of [
      '§ a '.repeat(100_000),
      'model\n'.repeat(100_000),
      ')\n'.repeat(100_000),
      '"\n'.repeat(100_000),
    ]) {
      const faults = faultsOf(text)
      expect(faults.length).toBeLessThanOrEqual(limits.faults)
      expect(faults.at(-1)?.kind).toBe('too-many')
    }
  })
})

describe('characters', () => {
  const codes = (text: string) => faultsOf(text).map((f) => f.kind)
  it.each([
    ['NUL', '\0'],
    ['escape', '\u001b'],
    ['right-to-left override', '\u202e'],
    ['isolate', '\u2066'],
    ['line separator', '\u2028'],
    ['byte-order mark inside', '\ufeff'],
  ])('%s stands in comments only', (_, c) => {
    expect(codes(`// a${c}b\nconst a = 1`)).toEqual([])
    expect(codes(`const a = ${c}1`)).toEqual(['control-character'])
    if (c !== '\ufeff') expect(codes(`const a = "x${c}y"`)).toEqual(['control-character'])
  })
  it('lone surrogates stand nowhere', () => {
    for (const c of ['\ud800', '\udc00'])
      for (const text of [`const a = ${c}`, `const a = "${c}"`, `// ${c}\nconst a = 1`])
        expect(codes(text)).toEqual(['surrogate'])
    expect(codes('const a = "😀" // 😀')).toEqual([])
  })
  it('names are in normal form C', () => {
    expect(codes('const é = 1')).toEqual([])
    expect(codes('const e\u0301 = 1')).toEqual(['not-normalised'])
  })
})
