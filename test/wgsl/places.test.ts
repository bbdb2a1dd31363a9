/** Places of a tile that are copied read as if each had been printed. */
import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { Block } from '../../compiler/7-emit/wgsl/block.ts'
import { candidates } from '../../compiler/7-emit/wgsl/candidates.ts'
import { defaultSchedule } from '../../compiler/7-emit/wgsl/default-schedule.ts'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import { orient } from '../../compiler/7-emit/wgsl/orient.ts'
import { guaranteedLimits, type Schedule, type Target } from '../../compiler/7-emit/wgsl/schedule.ts'
import { Shader } from '../../compiler/7-emit/wgsl/shader.ts'
import type { ContractKernel } from '../../compiler/ir/kernel.ts'
import { keyOfKernel } from '../../compiler/ir/kernel-key.ts'
import { kernelsOf } from '../../compiler/lowered.ts'
import { compile } from '../../compiler/pipeline.ts'
import { storageOf } from '../device/run-kernels.ts'

const otherNumbers = Object.getOwnPropertyDescriptor(Shader.prototype, 'otherNumbers')!
/** Nothing is copied where no number is a fresh name's alone. */
function printed<T>(print: () => T): T {
  Object.defineProperty(Shader.prototype, 'otherNumbers', { configurable: true, get: () => Number.POSITIVE_INFINITY })
  try {
    return print()
  } finally {
    Object.defineProperty(Shader.prototype, 'otherNumbers', otherNumbers)
  }
}

test.each(['lm/gpt', 'g2p/transformer', 'mnist/convnet'])(
  '%s',
  (name) => {
    const path = `models/${name}.dlm`
    const program = check({ path, text: readFileSync(path, 'utf8') })
    const train = program.trains[0]!
    const { fused } = compile(program, { model: train.model.name, train, entries: ['infer', 'step'] })
    const kernels = new Map<string, ContractKernel>()
    for (const kernel of fused.flatMap((e) => e.phases.flatMap((p) => kernelsOf(p.segments))))
      if (kernel.kind === 'contract') kernels.set(keyOfKernel(kernel), kernel)
    const copies = vi.spyOn(Block.prototype, 'copy')
    for (const fusedKernel of kernels.values())
      for (const target of ['gpu', 'cpu-class'] as Target[]) {
        const limits = { ...guaranteedLimits, subgroup: target === 'gpu' ? 32 : 4 }
        const kernel = orient(fusedKernel, new Map())
        const chosen = defaultSchedule(kernel, target, limits)
        for (const schedule of [chosen, ...candidates(kernel, chosen, limits, target)]) {
          const text = (s: Schedule) =>
            emitKernel(kernel, { storageOf, target, limits, schedule: s }).stages.map((each) => each.wgsl)
          const withCopies = text(schedule)
          expect(withCopies).toEqual(printed(() => text(schedule)))
        }
      }
    expect(copies.mock.calls.length).toBeGreaterThan(100)
    copies.mockRestore()
  },
  120_000,
)
