/**
 * What each workload must give: the losses of its first steps, and samples of its output, computed in float64 by the
 * reference interpreter. A peer whose numbers are others is not timed.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { selectDevice } from '../cli/session.ts'
import { compileAndOpen } from './dlm-session.ts'
import { root } from './root.ts'
import { models, type TrainingWorkload } from './workloads.ts'

/** Losses by workload; `of` is a hash of the .dlm file that they are for. */
type Recorded = Record<string, { readonly of: string; readonly losses: readonly number[] }>

const path = join(root, 'bench', 'references.json')
const recorded = (): Recorded => (existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Recorded) : {})

const hashOf = ({ model }: TrainingWorkload): string =>
  createHash('sha256')
    .update(readFileSync(join(root, 'bench', 'workloads', models[model].file)))
    .digest('hex')
    .slice(0, 16)

/** The loss of step 1, 2, …; as many as were recorded for the file as it is now. */
export function referenceLosses(workload: TrainingWorkload): readonly number[] {
  const found = recorded()[workload.id]
  return found && found.of === hashOf(workload) ? found.losses : []
}

/** Runs the interpreter and records what it gave, after each step, since a step may take minutes. */
export async function record(workload: TrainingWorkload, steps: number, tell: (line: string) => void): Promise<void> {
  const { executor, run } = await compileAndOpen(workload, await selectDevice('reference', true))
  const losses: number[] = []
  for (let step = 1; step <= steps; step++) {
    const start = performance.now()
    await run()
    const [row] = await executor.scalars()
    losses.push(row!.values['loss']!)
    tell(`${workload.id} step ${step}: loss ${losses.at(-1)} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
    writeFileSync(
      path,
      `${JSON.stringify({ ...recorded(), [workload.id]: { of: hashOf(workload), losses } }, null, 1)}\n`,
    )
  }
  executor.dispose()
}
