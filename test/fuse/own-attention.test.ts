/** A user's own attention, written in the language, gets the online kernel; memory grows with the length, not its square. */
import { expect, test } from 'vitest'
import { loadProgram } from '../../cli/load.ts'
import { kernelsOf } from '../../compiler/lowered.ts'
import { compile } from '../../compiler/pipeline.ts'
import { evaluate } from '../../runtime/size.ts'

const program = loadProgram('test/fixtures/distance-attention.dlm')
const train = program.trains[0]!
const shared = { model: 'Reader', arguments: train.model.arguments, target: 'cpu-class', verify: true } as const

test('inference is one pass over the keys', () => {
  const { fused, program: compiled } = compile(program, { ...shared, entries: ['infer'] })
  const kernels = fused.flatMap(({ phases }) => phases.flatMap(({ segments }) => kernelsOf(segments)))
  const online = kernels.filter((kernel) => kernel.kind === 'attention')
  expect(online.map((kernel) => kernel.score !== undefined)).toEqual([true])
  const bytes = (T: number) => evaluate(compiled.footprint.inference.bytes, { batch: 1, T })
  expect(bytes(4096) / bytes(2048)).toBeLessThan(2.01)
  expect(bytes(4096)).toBeLessThan(8 << 20)
})

test('so are its gradients', () => {
  const { fused, program: compiled } = compile(program, { ...shared, target: 'gpu', entries: ['step'], train })
  const kernels = fused.flatMap(({ phases }) => phases.flatMap(({ segments }) => kernelsOf(segments)))
  expect(kernels.filter((kernel) => kernel.kind === 'attention').length).toBe(4)
  const bytes = (T: number) => evaluate(compiled.footprint.training!.bytes, { batch: 1, T })
  expect(bytes(4096) / bytes(2048)).toBeLessThan(2.01)
})

test.each(['gpu', 'cpu-class'] as const)(
  'at 4096 steps training needs memory by the length on %s, known or not',
  (target) => {
    for (const dims of [new Map<string, number>(), new Map([['T', 4096]])]) {
      const { program: compiled } = compile(program, {
        ...shared,
        target,
        entries: ['step'],
        train: { ...train, dims },
      })
      const bytes = (T: number) => evaluate(compiled.footprint.training!.bytes, { batch: 1, T })
      expect(bytes(4096) / bytes(2048)).toBeLessThan(2.01)
      expect(bytes(4096)).toBeLessThan(64 << 20)
    }
  },
)

test('where scores are few they are in memory, and the kernel says why', () => {
  const dims = new Map([['T', 16]])
  const { program: compiled } = compile(program, { ...shared, entries: ['step'], train: { ...train, dims } })
  const stops = compiled.entries.flatMap(({ dispatches }) => dispatches.flatMap((d) => d.stops))
  expect(stops).toContain(
    'the scores of attention are in memory: there are few of them, and read again they cost less than made again',
  )
})
