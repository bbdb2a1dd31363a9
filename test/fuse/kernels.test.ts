/** The kernels of known programs, as text; and that they mean what the programs mean, at odd sizes and empty batches. */
import { describe, expect, it } from 'vitest'
import { fuse } from '../../compiler/5-fuse/fuse.ts'
import type { Graph } from '../../compiler/ir/graph.ts'
import { printKernel } from '../../compiler/ir/print-kernel.ts'
import { expectFused } from './expect-fused.ts'
import * as models from './models.ts'

/** How many kernels each program may take. */
const programs: Readonly<Record<string, { readonly graph: () => Graph; readonly kernels: number }>> = {
  'softmax-step': { graph: models.softmaxStep, kernels: 5 },
  'adam-update': { graph: models.adamUpdate, kernels: 1 },
  'convnet-step': { graph: models.convnetStep, kernels: 21 },
  'conv-bias-relu': { graph: models.convBiasRelu, kernels: 1 },
  'strided-conv-step': { graph: models.stridedConvStep, kernels: 5 },
  'layer-norm-step': { graph: models.layerNormStep, kernels: 3 },
  'batch-norm-step': { graph: models.batchNormStep, kernels: 8 },
  'feed-forward-step': { graph: models.feedForwardStep, kernels: 12 },
  'attention-step': { graph: models.attentionStep, kernels: 22 },
  'embedding-step': { graph: models.embeddingStep, kernels: 4 },
  'overlapping-pool-step': { graph: models.overlappingPoolStep, kernels: 3 },
  'average-pool-step': { graph: models.averagePoolStep, kernels: 7 },
}

describe('kernels of known programs', () => {
  for (const [name, { graph, kernels }] of Object.entries(programs)) {
    it(`${name} prints as before, in at most ${kernels}`, async () => {
      const fused = fuse(graph())
      await expect(`${fused.map(printKernel).join('\n\n')}\n`).toMatchFileSnapshot(`../golden/kernels/${name}.txt`)
      expect(fused.length).toBeLessThanOrEqual(kernels)
    })
    for (const [batch, time] of [
      [3, 5],
      [1, 1],
      [0, 2],
    ] as const)
      it(`${name} agrees with its graph at batch ${batch}`, () => {
        // A mean over no example is 0 / 0 in the graph and in its kernels alike.
        expectFused({
          graph: graph(),
          dims: new Map([
            ['batch', batch],
            ['T', time],
            ['N', 7 * batch],
          ]),
        })
      })
  }
})
