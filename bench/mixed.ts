/**
 * Whether mixed precision trains to the loss of float32: W2 and W4, both ways from the same weights on the same fresh batches,
 * each of which leaves something to learn. A line every hundred steps, and at the end the mean losses of the last fifty
 * steps, which may differ by 1 %; the exit status says whether they do.
 *
 *   npx tsc -p bench/tsconfig.json && node bench/dist/bench/mixed.js [--workloads W2,W4] [--steps 500] [--device lavapipe]
 */
import { parseArgs } from 'node:util'
import { canMix, selectDevice } from '../cli/session.ts'
import { compileAndOpen } from './dlm-session.ts'
import { asInput } from './layouts.ts'
import { integers, symmetric, tokenRows, uniform } from './numbers.ts'
import type { OpenWorkload } from './open-workload.ts'
import { models, type NamedTensor, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    workloads: { type: 'string', default: 'W2,W4' },
    steps: { type: 'string', default: '500' },
    device: { type: 'string', default: 'lavapipe' },
  },
})
const steps = Number(values.steps)
const counted = Math.min(50, steps)
const device = await selectDevice(values.device, true)
if (!(await canMix(device, 'mixed', false))) process.exit(2)

/** Batches of a whole training, by number. */
const freshBatches: Readonly<Record<string, (batch: number) => (step: number) => readonly NamedTensor[]>> = {
  // Noise, brighter to the right in one class and to the bottom in the other; one label in ten is the wrong one.
  W2: (batch) => {
    return (step) => {
      const x = symmetric(3 + 3 * step, batch * 3072, 1)
      const classes = integers(4 + 3 * step, batch, 2)
      for (let i = 0; i < x.length; i++) {
        const [row, column] = [Math.floor(i / 96) % 32, Math.floor(i / 3) % 32]
        x[i]! += ((classes[Math.floor(i / 3072)] === 0 ? column : row) - 15.5) / 64
      }
      const chance = uniform(5 + 3 * step, batch)
      return [
        { name: 'x', shape: [batch, 32, 32, 3], data: x },
        { name: 'y', shape: [batch], data: classes.map((c, i) => (chance[i]! < 0.1 ? 1 - c : c)) },
      ]
    }
  },
  W4: (batch) => {
    const all = tokenRows(batch * steps, 128)
    return (step) => {
      const part = (data: Int32Array) => data.slice(step * batch * 128, (step + 1) * batch * 128)
      return [
        { name: 'x', shape: [batch, 128], data: part(all.x) },
        { name: 'y', shape: [batch, 128], data: part(all.y) },
      ]
    }
  },
}

let agrees = true
for (const id of values.workloads.split(',')) {
  const workload = workloads.find((w) => w.id === id)
  const batches = freshBatches[id]
  if (workload?.kind !== 'train' || !batches) throw new Error(`--workloads takes W2 and W4; this is ${id}`)
  const single = await compileAndOpen(workload, device)
  const mixed = await compileAndOpen(workload, device, { half: true })
  const losses = { single: [] as number[], mixed: [] as number[] }
  const inputs = batches(models[workload.model].batch)
  for (let step = 0; step < steps; step++) {
    const batch = inputs(step)
    losses.single.push(await trained(single, batch))
    losses.mixed.push(await trained(mixed, batch))
    if (step % 100 === 99 || step === 0)
      console.log(
        `${id} step ${step + 1}: ${losses.single.at(-1)!.toFixed(4)}, mixed ${losses.mixed.at(-1)!.toFixed(4)}`,
      )
  }
  const [a, b] = [mean(losses.single.slice(-counted)), mean(losses.mixed.slice(-counted))]
  const off = b / a - 1
  agrees &&= Math.abs(off) <= 0.01
  console.log(
    `${id} on ${device.description.name}, steps ${steps - counted + 1} to ${steps}: ${a.toFixed(4)}, mixed ${b.toFixed(4)} (${(100 * off).toFixed(2)} %)`,
  )
  single.executor.dispose()
  mixed.executor.dispose()
}
process.exit(agrees ? 0 : 1)

async function trained({ executor, run }: OpenWorkload, batch: readonly NamedTensor[]): Promise<number> {
  await run(batch.map(asInput))
  return (await executor.read('loss'))[0] as number
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length
}
