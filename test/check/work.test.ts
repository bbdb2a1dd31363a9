/** How much is elaborated to find faults: counted, not timed. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { NodeTable } from '../../compiler/ops/node-table.ts'

afterEach(() => vi.restoreAllMocks())

/** Nodes of an op made while a file is checked, and the codes of its faults. */
function counted(op: string, text: string): { readonly nodes: number; readonly codes: readonly string[] } {
  const node = vi.spyOn(NodeTable.prototype, 'node').mockClear()
  const { diagnostics } = check({ path: 'm.dlm', text })
  return { nodes: node.mock.calls.filter(([made]) => made === op).length, codes: diagnostics.map(({ code }) => code) }
}
function checked(text: string): { readonly parameters: number; readonly codes: readonly string[] } {
  const { nodes, codes } = counted('parameter', text)
  return { parameters: nodes, codes }
}

const model = (lines: string) => `model M {\n  input x: float[batch, 3]\n${lines}\n}\n`

describe('a model is elaborated', () => {
  it('once, where only the library asks whether it is training', () => {
    expect(checked(model('  output y = x |> Linear(3) |> dropout(0.5)'))).toEqual({ parameters: 2, codes: [] })
  })
  it('for training too, where its own text asks, and faults there are found', () => {
    const own = (inner: string) => model(`  let h = x |> Linear(3)\n  output y = if training then ${inner} else h`)
    expect(checked(own('h * 2'))).toEqual({ parameters: 4, codes: [] })
    expect(checked(own('h + sum(h @ h)')).codes).toEqual(['DLM0311'])
  })
  it('for training without its layers, where of them only the library asks', () => {
    const layer = (inner: string) => model(`  let h = x |> FeedForward(3, 11, 0.25)\n  output y = ${inner}`)
    const own = layer('if training then h * 2 else h')
    expect(counted('random_bits', own)).toEqual({ nodes: 0, codes: [] })
    expect(counted('random_bits', own.replace('h * 2', 'dropout(h, 0.375)')).nodes).toBe(1)
    expect(counted('contract', layer('if training then h @ h else h')).codes).toEqual(['DLM0311'])
  })
  it('once for all layers of a stack', () => {
    const stack = (count: number) => model(`  output y = x |> Linear(3) * ${count}`)
    expect(checked(stack(40)).parameters).toBe(checked(stack(4)).parameters)
  })
})

it('a state of the library that moves within a recurrence is a fault of training alone, and is found', () => {
  const text = `model M {
  input x: float[T, batch, 3]
  layer norm = BatchNorm()
  scan v in x along axis: 0 {
    yield all = norm(v)
  }
  output y = all
}
`
  expect(checked(text).codes).toContain('DLM0437')
})
