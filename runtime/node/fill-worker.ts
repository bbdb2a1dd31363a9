/**
 * The thread behind `workerBatches`: it is handed a dataset (columns in shared memory), computes each epoch's order as the
 * main thread would, and fills the arrays that come with every request, which travel there and back without a copy.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type BatchOptions, batchFiller, epochOrder, typedArray, type WantedField } from '../data/batches.ts'
import type { Dataset } from '../data/dataset.ts'

export interface FillSetup {
  readonly dataset: Dataset
  readonly wanted: readonly WantedField[]
  readonly options: BatchOptions
}
export interface FillRequest {
  readonly epoch: number
  readonly index: number
  readonly buffers: readonly ArrayBuffer[]
}

const { dataset, wanted, options } = workerData as FillSetup
const fill = batchFiller(dataset, wanted, options.batch)
let order: { readonly epoch: number; readonly rows: Uint32Array } = { epoch: -1, rows: new Uint32Array(0) }

parentPort!.on('message', ({ epoch, index, buffers }: FillRequest) => {
  if (order.epoch !== epoch) order = { epoch, rows: epochOrder(dataset, epoch, options) }
  const { examples } = fill(
    order.rows,
    index,
    wanted.map(({ dtype }, k) => typedArray(dtype, buffers[k]!)),
  )
  parentPort!.postMessage({ examples, buffers }, buffers)
})
