/** A data source → the mean loss and metrics over all of it, batch by batch at bounded memory. */
import { dimsOfBatch } from './batch-dims.ts'
import { collectScalars } from './collector.ts'
import type { BatchSource } from './data/batches.ts'
import type { Executor } from './executor.ts'
import { weightedMeans } from './means.ts'

export interface EvaluateOptions {
  /** Ends early, with the means so far. */
  readonly signal?: AbortSignal | undefined
  /** For the message about a loss that is no number. */
  readonly step?: number | undefined
  readonly onProgress?: (examples: number, total: number | undefined) => void
}

export async function evaluate(
  executor: Executor,
  source: BatchSource,
  options: EvaluateOptions = {},
): Promise<Readonly<Record<string, number>>> {
  const means = weightedMeans()
  const collector = collectScalars<number>(executor, 10, () => options.step ?? 0)
  let examples = 0
  for await (const batch of source.epoch(0, 0)) {
    const dims = dimsOfBatch(executor.program, executor.dims, batch.examples, batch.dims)
    for (const [name, data] of batch.fields) executor.write(name, data, dims)
    collector.add(await executor.run('evaluate', {}, dims), batch.examples)
    for (const { what, values } of collector.take()) means.add(values, what)
    examples += batch.examples
    options.onProgress?.(examples, source.examples)
    if (options.signal?.aborted) break
  }
  for (const { what, values } of await collector.flush()) means.add(values, what)
  return means.means()
}
