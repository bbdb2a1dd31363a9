/** The certified footprint of every trainable model in the repository, against the bytes of every buffer created. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadProgram } from '../../cli/load.ts'
import { compile } from '../../compiler/pipeline.ts'
import { OutOfMemoryError } from '../../runtime/errors.ts'
import { openSession } from '../../runtime/session.ts'
import { evaluate } from '../../runtime/size.ts'
import { faultyDevice } from './open.ts'

const files = readdirSync('models', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.dlm'))
  .map((file) => join('models', file))
  .sort()
/** Larger presets of a file are the same program with other numbers; their buffers would fill the machine. */
const mostParameters = 10_000_000
const trained = files.flatMap((file) => {
  const program = loadProgram(file)
  return program.trains.flatMap((train) => {
    const { parameters } = program.model(train.model.name, { training: false, arguments: train.model.arguments })
    const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    return count > mostParameters ? [] : [{ name: `${file} ${train.model.name}`, program, train }]
  })
})

describe.each(trained)('$name', ({ program, train }) => {
  const shared = { model: train.model.name, arguments: train.model.arguments, target: 'cpu-class' } as const
  const training = compile(program, { ...shared, entries: ['step', 'evaluate'], train }).program
  const inference = compile(program, { ...shared, entries: ['infer'] }).program
  /** Free dims that the file leaves to the data: any size will do. */
  const free = Object.fromEntries(training.dims.map((name) => [name, 5]))
  const dimsAt = (batch: number) => ({ ...free, ...Object.fromEntries(train.dims), batch })

  it.each([1, 3, 8])('allocates what is certified, at batch %i', async (batch) => {
    const dims = dimsAt(batch)
    for (const [compiled, part] of [
      [training, training.footprint.training!],
      [inference, inference.footprint.inference],
    ] as const) {
      const { gpu, created, alive } = await faultyDevice()
      const session = await openSession(compiled, gpu, { dims, entries: part.entries })
      expect(session.allocatedBytes - evaluate(part.bytes, dims)).toBe(0)
      expect(created.bytes - evaluate(part.bytes, dims)).toBe(0)
      session.dispose()
      expect(alive.size).toBe(0)
      gpu.dispose()
    }
  })

  it('is refused at too large a batch, with the largest that fits, before anything is created', async () => {
    const { gpu, created } = await faultyDevice()
    const open = (batch: number) => openSession(training, gpu, { dims: dimsAt(batch), entries: ['step', 'evaluate'] })
    const error: unknown = await open(2 ** 31).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OutOfMemoryError)
    const { largest, message } = error as OutOfMemoryError
    expect(largest!.value).toBeGreaterThan(0)
    expect(message).toContain(`the largest batch that fits is ${largest!.value}`)
    await expect(open(largest!.value + 1)).rejects.toBeInstanceOf(OutOfMemoryError)
    expect(created.buffers).toBe(0)
    gpu.dispose()
  })
})

it('finds the models', () => {
  expect(trained.length).toBeGreaterThanOrEqual(4)
})
