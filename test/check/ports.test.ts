/** Sizes are taken from the ports of inference where training has the same: whether it could have others must be known. */
import { expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'

const rest = 'target y: float[batch, 3]\n  output z = x |> Linear(3) |> dropout(0.1)\n  loss mean((z - y) ** 2)'
const programs: readonly (readonly [string, string, boolean])[] = [
  ['that nothing is asked before', `input x: float[batch, 4]\n  ${rest}`, false],
  ['of a size of training', `let n = if training then 4 else 4\n  input x: float[batch, n]\n  ${rest}`, true],
  ['behind a dropout', `input x: float[batch, 4]\n  let w = dropout(x, 0.5)\n  ${rest.replace('x |>', 'w |>')}`, true],
  [
    'in training alone',
    `input x: float[batch, 4]\n  ${rest}\n  if training {\n    input extra: float[batch, T]\n    metric of = mean(extra)\n  }`,
    true,
  ],
  ['in a loop', `for i in 0..1 {\n    input x: float[batch, 4]\n  }\n  ${rest}`, true],
]

for (const [name, body, depends] of programs)
  it(`ports ${name}`, () => {
    const program = check({ path: 'model.dlm', text: `model M {\n  ${body}\n}` })
    expect(program.diagnostics.map(({ message }) => message)).toEqual([])
    const [inference, training] = [false, true].map((training) => program.model('M', { training }))
    expect(inference!.portsDependOnTraining).toBe(depends)
    const shapes = ({ inputs, targets }: typeof inference & {}) => [...inputs, ...targets].map(({ shape }) => shape)
    if (!depends) expect(shapes(inference!)).toEqual(shapes(training!))
  })
