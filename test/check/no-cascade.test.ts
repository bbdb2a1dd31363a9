/** A model's fault is told once, however many tests ask about the model. */
import { expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'

const text = `model M {
  input x: float[batch, 4]
  output y = x |> Linear(3, bais: false)
}
test "sizes" {
  expect parameters(M) == 12
  expect result_shape(M, "y")[1:] == [3]
}
`

it('tests of a faulty model say nothing more', () => {
  const { diagnostics } = check({ path: 'm.dlm', text }, () => undefined)
  expect(diagnostics.map((d) => d.code)).toEqual(['DLM0203'])
})
