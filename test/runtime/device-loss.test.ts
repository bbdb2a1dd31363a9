/** A run on a device that is lost at random moments ends with the weights of an undisturbed one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { compile } from '../../compiler/pipeline.ts'
import type { DataDescription, TrainSettings } from '../../runtime/abi.ts'
import { wantedFields } from '../../runtime/batch-dims.ts'
import type { OpenOptions } from '../../runtime/executor.ts'
import { createRunDirectory } from '../../runtime/node/run-directory.ts'
import { trainRun } from '../../runtime/node/train-run.ts'
import { randomStream } from '../../runtime/random.ts'
import { openSession } from '../../runtime/session.ts'
import { faultyDevice } from './open.ts'
import { train as description, smallNetwork } from './small-network.ts'

const { program } = compile(smallNetwork, {
  model: 'Small',
  entries: ['step', 'evaluate'],
  train: description,
  target: 'cpu-class',
})
const directory = mkdtempSync(join(tmpdir(), 'dlm-loss-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const wanted = wantedFields(program, { batch: 8 })
const random = randomStream(1, 'rows')
const columns = wanted.flatMap(({ name, shape }) =>
  Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => `${name}${i}`),
)
const cell = (column: string) => (column.startsWith('label') ? random.below(3) : random.normal())
const rows = Array.from({ length: 64 }, () => columns.map(cell).join(','))
writeFileSync(join(directory, 'train.csv'), `${columns.join(',')}\n${rows.join('\n')}\n`)

const data: DataDescription = {
  name: 'D',
  partitions: [
    {
      kind: 'fields',
      name: 'train',
      fields: wanted.map(({ name }) => ({
        name,
        source: { kind: 'csv', path: 'train.csv', columns: columns.filter((c) => c.startsWith(name)), header: true },
        stages: [],
      })),
    },
  ],
}
const settings: TrainSettings = {
  batch: 8,
  epochs: 4,
  steps: undefined,
  seed: 3,
  rates: [
    { kind: 'constant', rate: 0.05 },
    { kind: 'constant', rate: 0.01 },
  ],
  checkpointEvery: 3,
}

/** Trains to the end, losing the device after the given numbers of runs; returns the bytes of the model. */
async function model(losses: readonly number[]): Promise<Uint8Array> {
  const left = [...losses]
  const open = async (options: OpenOptions) => {
    const faulty = await faultyDevice()
    const executor = await openSession(program, faulty.gpu, options)
    const after = left.shift()
    let runs = 0
    return {
      ...executor,
      run(...args: Parameters<typeof executor.run>) {
        if (++runs === after) faulty.lose('injected')
        return executor.run(...args)
      },
      dispose() {
        executor.dispose()
        faulty.gpu.dispose()
      },
    }
  }
  const run = createRunDirectory(directory, 'Small', {})
  const events = trainRun({
    program,
    open,
    dims: { batch: 8 },
    settings,
    data,
    place: { directory, overrides: new Map() },
    directory: run,
    resume: false,
    source: '',
  })
  let warnings = 0
  for await (const event of events) if (event.kind === 'warning') warnings += 1
  expect(warnings).toBe(losses.length)
  return new Uint8Array(readFileSync(run.model))
}

test('lost once or several times, at random steps', async () => {
  const undisturbed = await model([])
  const where = randomStream(2, 'losses')
  const runs = Number(process.env['DLM_LOSSES'] ?? 6)
  for (let run = 0; run < runs; run++) {
    const losses = Array.from({ length: 1 + (run % 2) }, () => 1 + where.below(run % 2 === 0 ? 30 : 12))
    expect(await model(losses), `lost after ${losses.join(' and ')} runs`).toEqual(undisturbed)
  }
})
