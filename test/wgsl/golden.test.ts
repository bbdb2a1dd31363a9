/** The WGSL of known programs, as text, for both classes of adapter: what a change of the printer or of a schedule does is seen. */
import { describe, expect, it } from 'vitest'
import { fuse } from '../../compiler/5-fuse/fuse.ts'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import { guaranteedLimits, type Target } from '../../compiler/7-emit/wgsl/schedule.ts'
import { storageOf } from '../device/run-kernels.ts'
import * as models from '../fuse/models.ts'

const programs = {
  'softmax-step': models.softmaxStep,
  'conv-bias-relu': models.convBiasRelu,
  'adam-update': models.adamUpdate,
  'embedding-step': models.embeddingStep,
}

describe.each(Object.entries(programs))('%s', (name, graph) => {
  it.each(['gpu', 'cpu-class'] as const)('prints as before for %s', async (target: Target) => {
    // As on lavapipe, whose subgroups have 8 lanes.
    const limits = target === 'gpu' ? guaranteedLimits : { ...guaranteedLimits, subgroup: 8 }
    const texts = fuse(graph()).flatMap((kernel) =>
      emitKernel(kernel, { storageOf, target, limits }).stages.map((stage) => `// ${stage.name}\n${stage.wgsl}`),
    )
    await expect(texts.join('\n')).toMatchFileSnapshot(`../golden/wgsl/${name}.${target}.wgsl`)
  })
})
