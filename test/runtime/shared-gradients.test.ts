/** Every dispatch keeps reading and writing in different arenas, also where one value is the gradient of several parameters. */
import { expect, it } from 'vitest'
import { compile } from '../../compiler/pipeline.ts'
import { checkText } from '../std/cases.ts'

it('an LSTM, whose two biases have one gradient', () => {
  const program = checkText(`model M {
  input x: float[batch, T, 3]
  target y: int[batch]
  layer reader = LSTM(4)
  output logits = reader(x).last |> Linear(2)
  loss cross_entropy(logits, y)
}
data D {
  train {
    x = csv("x.csv") |> reshape([5, 3])
    y = csv("y.csv")
  }
}
train {
  model: M
  data: D
  optimizer: sgd(lr: 0.1)
  epochs: 1
}
`)
  for (const name of ['gradients', 'step'] as const) {
    const { program: compiled } = compile(program, {
      model: 'M',
      entries: [name],
      ...(name === 'step' && { train: program.trains[0]! }),
    })
    const dispatches = compiled.entries.flatMap((e) => e.dispatches)
    expect(dispatches.length).toBeGreaterThan(0)
    for (const { bindings, label } of dispatches) {
      const written = new Set(bindings.filter((b) => b.access === 'write').map((b) => b.arena))
      expect(
        bindings.filter((b) => b.access === 'read' && written.has(b.arena)),
        label,
      ).toEqual([])
    }
  }
})
