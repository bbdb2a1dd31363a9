import { expect, test } from 'vitest'
import { dim } from '../../compiler/ir/dim.ts'
import { type Node, nodesOf } from '../../compiler/ir/graph.ts'
import { GraphBuilder } from '../../compiler/ops/builder.ts'
import { internKey, isSame, likenessOf } from '../../compiler/ops/interning.ts'
import { opNames, registry } from '../../compiler/ops/registry.ts'

test('nodes are one just where their text is the same', () => {
  const b = new GraphBuilder()
  const made = new Map<string, object>()
  for (let turn = 0; turn < 2; turn++)
    for (let i = 0; i < 500; i++) {
      // Fractions of few bits, zeros of both signs, and lists: many are looked for at one place.
      const value = ((i % 250) - 125) / 8192
      const constant = b.constant(i % 7 === 0 ? -value : value)
      const node = b.broadcast(b.add(constant, b.constant(i % 3)), [dim(i % 4), dim(2)], [])
      const key = internKey(node.op, node.operands, node.attributes)
      expect(made.get(key) ?? node).toBe(node)
      made.set(key, node)
    }
  expect(b.constant(0)).not.toBe(b.constant(-0))
  expect(b.constant(Number.NaN)).toBe(b.constant(Number.NaN))
  expect(new Set(made.values()).size).toBe(made.size)
})

test('equal attributes of each op have the same number, and are found the same', () => {
  for (const op of opNames) {
    const { samples } = registry[op]
    for (const { attributes } of samples) {
      const again = Array.isArray(attributes) ? attributes : { ...attributes }
      expect(likenessOf(op, again), op).toBe(likenessOf(op, attributes))
      for (const other of samples)
        expect(isSame({ op, operands: [], attributes } as never, op, [], other.attributes), op).toBe(
          internKey(op, [], attributes) === internKey(op, [], other.attributes),
        )
    }
  }
})

test('a long list is the same only as itself', () => {
  const b = new GraphBuilder()
  const [list, same] = [new Array(5000).fill(1), new Array(5000).fill(1)]
  expect(b.literal(list, [5000])).toBe(b.literal(list, [5000]))
  expect(b.literal(list, [5000])).not.toBe(b.literal(same, [5000]))
  expect(b.literal(list.slice(0, 4000), [4000])).toBe(b.literal(same.slice(0, 4000), [4000]))
})

test('nodes that share an id, as those of a packed tensor do, are all found', () => {
  const b = new GraphBuilder()
  const [x, y] = [b.input('x', [dim(2)]), b.input('y', [dim(2)])]
  const rows = [x, y].map((node): Node => ({ ...b.reshape(node, [dim(1), dim(2)]), id: -1 }))
  const packed: Node = { ...b.concat(rows, 0), id: -7 }
  expect(nodesOf([{ node: packed }])).toEqual([packed, rows[1], rows[0], x, y])
  expect(nodesOf([{ node: y }, { node: x }])).toEqual([x, y])
})
