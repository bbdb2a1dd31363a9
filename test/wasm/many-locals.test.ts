/** Locals' numbers are filled in when all are met: from 128 on they take more bytes, and all that is open behind them moves. */
import { expect, test } from 'vitest'
import { type Item, Local } from '../../compiler/7-emit/wasm/code.ts'
import { finishCode } from '../../compiler/7-emit/wasm/function.ts'
import { symbol } from '../../compiler/ir/dim.ts'

const get = 0x20
const open = [0x80, 0x80, 0x80, 0x80, 0]
const leb = (n: number): number[] => (n < 128 ? [n] : [(n % 128) | 0x80, ...leb(Math.floor(n / 128))])

test.each([1, 127, 128, 300, 20_000])('%i locals', (count) => {
  const parameter = new Local('i32')
  const locals = Array.from({ length: count }, () => new Local('i32'))
  const first = new Local('v128')
  const items: Item[] = []
  const bytes: number[] = []
  const places: number[] = []
  const names = [parameter, first, ...locals]
  // Vectors are numbered before integers, after the parameters.
  for (const [number, local] of names.entries()) {
    bytes.push(get, ...leb(number))
    items.push(get, local, [{ product: true }, { dim: symbol('n') }], { call: 'f' })
    places.push(bytes.length)
    bytes.push(...open, ...open)
  }
  const code = finishCode([parameter], undefined, items)
  expect([...code.bytes]).toEqual(bytes)
  expect(code.locals).toEqual([
    [1, 'v128'],
    [count, 'i32'],
  ])
  expect(code.products).toEqual(places)
  expect(code.sizes).toEqual(places.map((at) => ({ at, dim: symbol('n') })))
  expect(code.calls).toEqual(places.map((at) => ({ at: at + open.length, name: 'f' })))
})
