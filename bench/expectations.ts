/** Checks what a peer computed: its losses step by step, its outputs. Answers with the fault, where there is one. */
import { readFileSync, rmSync } from 'node:fs'
import { selectDevice } from '../cli/session.ts'
import { compileAndOpen } from './dlm-session.ts'
import { referenceLosses } from './reference.ts'
import { type InferenceWorkload, inputsOf, type ProductWorkload, type Workload } from './workloads.ts'

export interface Expectation {
  loss(step: number, value: number): string | undefined
  /** Reads the file and removes it. */
  output(path: string): string | undefined
}

/**
 * Relative to the first loss, which is one forward in float32. Later ones differ by what rounding does to a training, which
 * Adam's quotient makes greater than one would think where gradients are small; a wrong gradient is off by far more.
 */
const tolerances = { first: 1e-4, later: 5e-3 }

export async function expectationOf(workload: Workload): Promise<Expectation> {
  const losses = workload.kind === 'train' ? referenceLosses(workload) : []
  if (workload.kind === 'train' && losses.length === 0)
    throw new Error(`${workload.id} has no reference: \`npm run bench -- --references --workloads ${workload.id}\``)
  const samples = workload.kind === 'train' ? undefined : await samplesOf(workload)
  return {
    loss(step, value) {
      const expected = losses[step - 1]
      if (expected === undefined) return undefined
      const tolerance = (step === 1 ? tolerances.first : tolerances.later) * Math.abs(losses[0]!)
      if (Math.abs(value - expected) <= tolerance) return undefined
      return `the loss of step ${step} is ${value.toPrecision(7)} and should be ${expected.toPrecision(7)}`
    },
    output(path) {
      const bytes = readFileSync(path)
      rmSync(path)
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
      if (values.length !== samples!.size) return `it gave ${values.length} numbers and should give ${samples!.size}`
      for (const [at, expected] of samples!.expected)
        if (!(Math.abs(values[at]! - expected) <= samples!.tolerance))
          return `output ${at} is ${values[at]} and should be ${expected}`
      return undefined
    },
  }
}

interface Samples {
  readonly size: number
  readonly expected: ReadonlyMap<number, number>
  readonly tolerance: number
}

async function samplesOf(workload: InferenceWorkload | ProductWorkload): Promise<Samples> {
  if (workload.kind === 'product') return productSamples(workload)
  const { executor, run, output } = await compileAndOpen(workload, await selectDevice('reference', true))
  await run()
  const values = await executor.read(output)
  executor.dispose()
  const greatest = Float64Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0)
  return { size: values.length, expected: new Map(values.entries()), tolerance: 1e-4 * greatest }
}

/** Some elements of the product, among them the last; a float32 sum of n products may be off by about 1e-6 √n of its terms. */
function productSamples(workload: ProductWorkload): Samples {
  const { n } = workload
  const [a, b] = inputsOf(workload).map(({ data }) => data) as [Float32Array, Float32Array]
  const expected = new Map<number, number>()
  for (let sample = 0; sample < 500; sample++) {
    const at = sample === 0 ? n * n - 1 : (sample * 7919 * 31) % (n * n)
    const [row, column] = [Math.floor(at / n), at % n]
    let sum = 0
    for (let k = 0; k < n; k++) sum += a[row * n + k]! * b[k * n + column]!
    expected.set(at, sum)
  }
  return { size: n * n, expected, tolerance: 1e-6 * Math.sqrt(n) * Math.sqrt(n) }
}
