/** `map` does each operation for all items of a list of numbers at once where it can: the numbers are those of the items one by one. */
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { nodesOf } from '../../compiler/ir/graph.ts'

/** The numbers that a model multiplies with, and their dtype. */
function literal(list: string, around = ''): { readonly data: readonly number[]; readonly dtype: string } {
  const text = `${around}\nmodel M {\n  input x: float[batch, 6]\n  output y = x\n  output numbers = reshape(${list}, [6])\n}`
  const program = check({ path: 'm.dlm', text })
  expect(program.diagnostics.map((d) => d.message)).toEqual([])
  const [found] = nodesOf(program.model('M', { training: false }).outputs).filter(({ op }) => op === 'literal')
  return found!.attributes as ReturnType<typeof literal>
}
const codes = (list: string) =>
  check({ path: 'm.dlm', text: `const all = ${list}\nmodel M {\n  input x: float[batch]\n  output y = x\n}` })
    .diagnostics

describe('map', () => {
  it.each([
    'exp(-log(10000) * 2 * i / 6) / (2 * pi)',
    'floor(i * 1.5) / 256.0 - i',
    'sqrt(i) * sign(i - 3) + abs(-i)',
    'i div 2 * 7 % 5',
    'i / 2',
    '2 ** (i - 3)',
    '-(i * 0.0)',
    'if i % 2 == 0 then i else -i',
    'len(0..i)',
    'round(i / 2.0)',
    'width * i - other(i)',
  ])('(i) => %s', (body) => {
    const around = 'const width = 3\nfn other(i: int) { return 2 * i }'
    const turns = Array.from({ length: 6 }, (_, i) => `((i) => ${body})(${i})`)
    const [mapped, written] = [literal(`map(0..6, (i) => ${body})`, around), literal(`[${turns}]`, around)]
    expect(mapped.dtype).toBe(written.dtype)
    expect(mapped.data.every((value, i) => Object.is(value, written.data[i]))).toBe(true)
  })

  it('tells of a fault in the words of the item that has it', () => {
    const [fault, ...more] = codes('map(0..3, (i) => 1.0 / (i - 1))')
    expect([fault!.code, more]).toEqual(['DLM0404', []])
    expect(codes('map([1.0, -1.0], (v) => log(v))').map((d) => d.message)).toEqual([
      expect.stringContaining('log of -1 is not a number'),
    ])
    expect(codes('map([1, 2], (a, b) => a + b, [1])').map((d) => d.message)).toEqual([
      expect.stringContaining('one has 2 items and another 1'),
    ])
    expect(codes('map(0..1000000, (i) => i * 1.5 + 2)').map((d) => d.code)).toEqual(['DLM0408'])
    expect(codes('map(7, (i) => i)')).toHaveLength(1)
    expect(codes('map([1, 2], 3)')).toHaveLength(1)
    expect(codes('map(0..2, (i) => missing)')).toHaveLength(1)
  })

  it('points at what is no function, or not of so many arguments', () => {
    const told = (list: string) =>
      codes(list).map((d) => [d.code, d.primary!.span.source.text.slice(d.primary!.span.start, d.primary!.span.end)])
    expect(told('map([1, 2], [3])')).toEqual([['DLM0225', '[3]']])
    expect(told('map([1, 2], (a, b) => a)')).toEqual([['DLM0226', '(a, b) => a']])
    expect(told('map([1, 2], (a) => a, [3, 4])')).toEqual([['DLM0226', '(a) => a']])
    expect(told('map([1, 2], (a, b = 3) => a * b)')).toEqual([])
    expect(told('map((a) => a, [1, 2])')).toEqual([['DLM0227', '(a) => a']])
  })

  it('of no items is an empty list', () => expect(codes('map(0..0, (i) => i)')).toEqual([]))
})
