/** First values: golden words that must never change (a changed one breaks every reproducible run), and their shape. */
import { expect, test } from 'vitest'
import type { Initializer, VariableRecord } from '../../runtime/abi.ts'
import { initialValues } from '../../runtime/initialize.ts'

const variable = (path: string, shape: readonly number[], initial: Initializer): VariableRecord => ({
  path,
  shape,
  dtype: 'float',
  initial,
  trainable: true,
})

test('each kind of initializer', () => {
  expect([...initialValues(variable('b', [3], { kind: 'constant', value: 0.5 }), 1)]).toEqual([0.5, 0.5, 0.5])
  expect([...initialValues(variable('t', [2], { kind: 'literal', values: [1, 2] }), 1)]).toEqual([1, 2])
  const uniform = initialValues(variable('u', [100, 100], { kind: 'uniform', low: -0.25, high: 0.25 }), 1)
  expect(Math.max(...uniform)).toBeLessThanOrEqual(0.25)
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-0.25)
  const truncated = initialValues(variable('n', [5000], { kind: 'truncated_normal', mean: 1, deviation: 0.1 }), 1)
  expect(Math.max(...truncated)).toBeLessThanOrEqual(Math.fround(1.2))
  expect(initialValues({ ...variable('i', [2], { kind: 'constant', value: 3 }), dtype: 'int' }, 1)).toEqual(
    Int32Array.of(3, 3),
  )
  expect(initialValues(variable('s', [], { kind: 'constant', value: 1 }), 1)).toHaveLength(1)
})

test('golden values', () => {
  const normal = initialValues(variable('linear_1.weight', [4], { kind: 'normal', mean: 0, deviation: 1 }), 42)
  const uniform = initialValues(variable('linear_1.weight', [4], { kind: 'uniform', low: 0, high: 1 }), 42)
  const words = (values: ArrayBufferView) => [...new Uint32Array(values.buffer)].map((word) => word.toString(16))
  expect({ normal: words(normal), uniform: words(uniform) }).toMatchInlineSnapshot(`
    {
      "normal": [
        "3f3201a5",
        "befd0c0b",
        "402ab1ef",
        "3f9a2318",
      ],
      "uniform": [
        "3f31e9da",
        "3f66d2cf",
        "3c6264c0",
        "3d8a3c20",
      ],
    }
  `)
})
