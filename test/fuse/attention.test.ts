/** Attention by structure: scores and weights of queries × keys elements are in no tensor, and all results agree. */
import { describe, expect, test } from 'vitest'
import { fuse } from '../../compiler/5-fuse/fuse.ts'
import { type Dim, evaluate, product } from '../../compiler/ir/dim.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import { printKernel } from '../../compiler/ir/print-kernel.ts'
import { type AttentionParts, attention } from './attention-models.ts'
import { expectFused } from './expect-fused.ts'

const sizes: readonly (readonly [number, number, number])[] = [
  [5, 7, 2],
  [1, 1, 1],
  [7, 1, 1],
  [1, 5, 2],
  [3, 4, 0],
  [2, 0, 1],
  [0, 3, 1],
]
const dimsOf = ([queries, keys, batch]: readonly [number, number, number]) =>
  new Map([
    ['queries', queries],
    ['keys', keys],
    ['batch', batch],
  ])
const variants: Record<string, AttentionParts> = {
  plain: {},
  causal: { causal: true },
  masked: { mask: true },
  distance: { distance: true, causal: true },
  'a distance shared by the batch': { shared: true, causal: true },
  bias: { bias: true },
  dropout: { dropout: 0.25 },
  'divided late': { late: true },
  'grouped queries': { grouped: true },
  'a width of one': { width: 1, values: 1 },
  all: { causal: true, distance: true, dropout: 0.5 },
}

describe.each(Object.entries(variants))('%s', (_, parts) => {
  test('the result is one online pass', () => {
    const graph = attention(parts)
    for (const size of sizes) {
      const kernels = expectFused({ graph, dims: dimsOf(size), options: { recompute: 0 } })
      expect(kernels.map(printKernel).join('\n\n')).toContain('online sum')
      expect(kernels.length).toBe(1)
    }
  })
  test('no kernel of the gradients stores weights', () => {
    const graph = attention(parts, 'gradients')
    for (const size of sizes.slice(0, 5)) {
      const kernels = expectFused({ graph, dims: dimsOf(size), options: { recompute: 0 } })
      // A gradient of a bias for each query and key is as large.
      const large = parts.bias
      if (size === sizes[0] && !large) expect(planes(kernels), kernels.map(printKernel).join('\n\n')).toEqual([])
      if (!large) expect(kernels.filter(({ kind }) => kind === 'attention').length).toBe(4)
    }
  })
  test('the same in memory', () => {
    const graph = attention(parts, 'gradients')
    const kernels = expectFused({ graph, dims: dimsOf(sizes[0]!), options: { recompute: Number.POSITIVE_INFINITY } })
    expect(kernels.every(({ kind }) => kind !== 'attention')).toBe(true)
  })
})

test('weights that are asked for are stored, and fusion says why', () => {
  const kernels = expectFused({ graph: attention({}, 'weights'), dims: dimsOf([5, 7, 2]), options: { recompute: 0 } })
  expect(kernels.every(({ kind }) => kind !== 'attention')).toBe(true)
  expect(kernels.flatMap(({ stops }) => stops.map(({ reason }) => reason))).toContain(
    'the scores of attention are in memory: the weights or scores are results themselves',
  )
})

test('small attention is stored: there are few scores', () => {
  const kernels = fuse(attention({ queries: 8, keys: 8, width: 32, values: 32 }))
  expect(kernels.every(({ kind }) => kind !== 'attention')).toBe(true)
})

/** Tensors with an element for each query and key. */
function planes(kernels: readonly Kernel[]): string[] {
  const grows = (size: Dim) => {
    const at = (n: number) =>
      evaluate(
        size,
        new Map([
          ['queries', n],
          ['keys', n],
          ['batch', 1],
        ]),
      )
    return at(2000) > 3 * at(1000)
  }
  return kernels.flatMap(({ name, slots }) =>
    slots.flatMap(({ node, access }) =>
      access !== 'read' && grows(product(node.shape)) ? [`${name}: %${node.id} ${node.op}`] : [],
    ),
  )
}
