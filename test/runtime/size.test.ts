import { describe, expect, it } from 'vitest'
import { DimError } from '../../runtime/errors.ts'
import { elements, evaluate } from '../../runtime/size.ts'

describe('a size', () => {
  it.each([
    [7, {}, 7],
    [{ terms: [] }, {}, 0],
    [{ terms: [[3, 'batch', 'T'], [-2, 'T'], [5]] }, { batch: 4, T: 10 }, 105],
    [{ terms: [[256, { floor: [{ terms: [[4, 'batch'], [255]] }, 256] }]] }, { batch: 65 }, 512],
    [{ terms: [[1, { floor: [{ terms: [[1, 'H'], [-3]] }, 2] }], [1]] }, { H: 2 }, 0],
    [{ terms: [[1, '__proto__']] }, JSON.parse('{ "__proto__": 3 }'), 3],
  ] as const)('%j under %j is %i', (size, dims, value) => {
    expect(evaluate(size, dims)).toBe(value)
  })

  it.each([
    [{ terms: [[1, 'T']] }, {}],
    [{ terms: [[1, 'toString']] }, {}],
    [{ terms: [[1, 'T']] }, { T: -1 }],
    [{ terms: [[1, 'T']] }, { T: 0.5 }],
    [{ terms: [[1, 'T', 'T']] }, { T: 2 ** 27 }],
    [
      {
        terms: [
          [1, 'T'],
          [1, 'T'],
        ],
      },
      { T: 2 ** 53 - 1 },
    ],
    [{ terms: [[1, { floor: [1, { terms: [[1, 'T']] }] }]] }, { T: 0 }],
  ] as const)('%j under %j is refused', (size, dims) => {
    expect(() => evaluate(size, dims)).toThrow(DimError)
  })

  it('multiplies a shape exactly', () => {
    expect(elements([2, { terms: [[1, 'T']] }, 5], { T: 3 })).toBe(30)
    expect(elements([], {})).toBe(1)
    expect(() => elements([2 ** 30, 2 ** 30], {})).toThrow(DimError)
  })
})
