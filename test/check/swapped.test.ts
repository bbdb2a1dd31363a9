/** Two arguments in each other's place are one fault, found by their types in any call. */
import { expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'

const around = `fn product(x: float[N, K], w: float[K, M]) -> float[N, M] { return x @ w }
fn shifted(x: float[...], by: int, name: string) -> float[...] { return x + by }
`
function said(statement: string) {
  const text = `${around}model M {
  input x: float[2, 3]
  input w: float[3, 5]
  input at: int[2]
  target label: int[2]
  output y = x |> Linear(4)
  ${statement}
}`
  const { diagnostics } = check({ path: 'm.dlm', text })
  return diagnostics.map(({ code, help }) => {
    const { span, replacement } = help?.edit ?? {}
    const mended = span && text.slice(0, span.start) + replacement + text.slice(span.end)
    return [code, help?.text, mended && check({ path: 'm.dlm', text: mended }).diagnostics.length]
  })
}

it.each([
  ['loss cross_entropy(label, y)', 'cross_entropy(y, label)'],
  ['loss cross_entropy(logits: label, label: y)', 'cross_entropy(logits: y, label: label)'],
  ['loss label |> cross_entropy(y)', 'y |> cross_entropy(label)'],
  ['metric a = accuracy(label, y)', 'accuracy(y, label)'],
  ['output z = shifted(x, "a", 2)', 'shifted(x, 2, "a")'],
  ['output z = gather(at, x)', 'gather(x, at)'],
  ['output z = reshape([6], x)', 'reshape(x, [6])'],
  ['output z = mean(map((i) => i, [x, x])[0])', 'map([x, x], (i) => i)'],
])('%s', (statement, mended) => {
  const [[code, help, faults] = [], ...more] = said(statement)
  expect([code, faults, more]).toEqual(['DLM0227', 0, []])
  expect(help).toBe(`swap them: \`${mended}\``)
})

it.each([
  // Neither order fits, or both arguments are at fault alone.
  ['loss cross_entropy(label, label)', ['DLM0303']],
  ['output z = product(x, x)', ['DLM0304']],
  // Sizes alone say nothing of the order.
  ['output z = product(w, x)', ['DLM0304']],
  ['output z = shifted(x, "a", "b")', ['DLM0308']],
  ['output z = shifted(missing, "a", 2)', ['DLM0201', 'DLM0308', 'DLM0308']],
  ['output z = shifted("a", x, 2)', ['DLM0308', 'DLM0308', 'DLM0308']],
])('%s is told as before', (statement, codes) => {
  expect(said(statement).map(([code]) => code)).toEqual(codes)
})
