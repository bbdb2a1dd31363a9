/** Small models and their gradients, at odd sizes and with an empty batch, on a device against the reference. */
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../compiler/ir/dim.ts'
import type { Graph, Node } from '../../compiler/ir/graph.ts'
import * as models from '../fuse/models.ts'
import { drawValue, generator } from '../ops/sample-graph.ts'
import { disagreements, type GraphRunOptions } from './run-graph.ts'

export function modelsSuite(options: GraphRunOptions, except: readonly string[] = []): void {
  const graphs = Object.entries(models).filter(
    (entry): entry is [string, () => Graph] => /(Step|Update|Relu)$/.test(entry[0]) && !except.includes(entry[0]),
  )

  describe.each(graphs)('%s', (_, graph) => {
    it.each([
      [3, 5],
      [1, 1],
      [13, 4],
      [0, 2],
    ])('batch %i, T %i', async (batch, time) => {
      const dims = new Map([
        ['batch', batch],
        ['T', time],
        ['N', 7 * batch],
      ])
      const random = generator(batch * 31 + time)
      const values = new Map<Node, ReturnType<typeof drawValue>>()
      const leaf = (node: Node) => {
        const known = values.get(node)
        if (known) return known
        const shape = node.shape.map((d) => evaluate(d, dims))
        // Second moments are not negative; labels and indices are small; weights as small as they are in practice.
        const isMoment = node.op === 'input' && node.attributes.role === 'moment'
        const range: readonly [number, number] = node.dtype !== 'float' ? [0, 3] : isMoment ? [0.01, 1] : [-0.4, 0.4]
        const made = drawValue({ shape, dtype: node.dtype, range }, random)
        values.set(node, made)
        return made
      }
      expect((await disagreements({ graph: graph(), dims, leaf }, options)).slice(0, 3)).toEqual([])
    })
  })
}
