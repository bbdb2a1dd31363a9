/** Five steps of every optimizer against PyTorch's, from the same start and with the same gradients. */
import { describe, expect, it } from 'vitest'
import type { Node } from '../../compiler/ir/graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { evaluate } from '../../compiler/reference/evaluate.ts'
import { schedule } from '../../runtime/schedule.ts'
import { checkText } from './cases.ts'
import { difference, readFixture } from './fixtures.ts'

const fixture = readFixture('optimizers.safetensors')
const texts = JSON.parse(fixture.metadata.get('optimizers')!) as string[]
const model = 'model M {\n  input x: float[batch, 1]\n  output y = x |> Linear(1)\n  loss mean(y)\n}\n'

describe('optimizers agree with PyTorch', () => {
  for (const [index, text] of texts.entries())
    it(text, () => {
      const program = checkText(`${model}train {\n  model: M\n  optimizer: ${text}\n  steps: 5\n}\n`)
      expect(program.diagnostics).toEqual([])
      const { optimizer } = program.trains[0]!
      const rule = program.optimizer(optimizer)
      const size = fixture.tensors.get('start')!.data.length
      const gradients = fixture.tensors.get('grads')!.data
      const expected = fixture.tensors.get(`path.${index}`)!.data
      const rate = schedule(optimizer.rate)

      let parameters: ArrayLike<number> = fixture.tensors.get('start')!.data
      let moments: ArrayLike<number>[] = rule.moments.map((m) => new Float64Array(size).fill(m.initial))
      for (let step = 1; step <= 5; step++) {
        const tensor = (data: ArrayLike<number>, shape: number[] = [size]): Value => ({
          shape,
          dtype: 'float',
          data: Float64Array.from(data),
        })
        const given = new Map<Node, Value>([
          [rule.param, tensor(parameters)],
          [rule.grad, tensor(gradients.slice((step - 1) * size, step * size))],
          [rule.rate, tensor([rate(step)], [])],
          [rule.step, tensor([step], [])],
          ...rule.moments.map((m, i): [Node, Value] => [m.node, tensor(moments[i]!)]),
        ])
        const [next, ...nextMoments] = evaluate([rule.result, ...rule.moments.map((m) => m.next)], {
          dims: new Map([['N', size]]),
          leaf: (node) => given.get(node)!,
        })
        parameters = next!.data
        moments = nextMoments.map((m) => m.data)
        // The series of one_minus_power is cut off after its eighth term.
        expect(difference(parameters, expected.slice((step - 1) * size, step * size)), `step ${step}`).toBeLessThan(
          1e-8,
        )
      }
    })
})
