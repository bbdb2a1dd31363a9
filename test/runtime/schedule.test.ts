/** Learning rates at the steps where a formula can go wrong by one: the first, the peak, the last, and beyond. */
import { expect, test } from 'vitest'
import { schedule } from '../../runtime/schedule.ts'

test('constant', () => expect(schedule({ kind: 'constant', rate: 0.1 })(7)).toBe(0.1))

test('linear', () => {
  const rate = schedule({ kind: 'linear', from: 1, to: 0, steps: 11 })
  expect([1, 2, 6, 11, 12].map(rate)).toEqual([1, 0.9, 0.5, 0, 0])
  expect(schedule({ kind: 'linear', from: 1, to: 0.5, steps: 1 })(1)).toBe(0.5)
})

test('cosine with warm-up', () => {
  const rate = schedule({ kind: 'cosine', peak: 2, floor: 1, steps: 110, warmup: 10 })
  expect(rate(1)).toBeCloseTo(0.2)
  expect(rate(10)).toBe(2)
  expect(rate(60)).toBeCloseTo(1.5)
  expect(rate(110)).toBe(1)
  expect(rate(500)).toBe(1)
  expect(schedule({ kind: 'cosine', peak: 2, floor: 0, steps: 100, warmup: 0 })(1)).toBe(2)
})

test('warm-up before another schedule', () => {
  // biome-ignore lint/suspicious/noThenProperty: the ABI's word
  const rate = schedule({ kind: 'warmup', steps: 4, then: { kind: 'linear', from: 1, to: 0, steps: 3 } })
  expect([1, 2, 3, 4, 5, 6, 7].map(rate)).toEqual([0.25, 0.5, 0.75, 1, 0.5, 0, 0])
})

test('noam: the formula of the paper, its peak at the end of warm-up', () => {
  const rate = schedule({ kind: 'noam', dim: 512, warmup: 4000, factor: 1 })
  expect(rate(1)).toBeCloseTo(512 ** -0.5 * 4000 ** -1.5, 15)
  expect(rate(4000)).toBeCloseTo(512 ** -0.5 * 4000 ** -0.5, 15)
  expect(rate(100_000)).toBeCloseTo(512 ** -0.5 * 100_000 ** -0.5, 15)
  expect(rate(3999)).toBeLessThan(rate(4000))
  expect(rate(4001)).toBeLessThan(rate(4000))
})
