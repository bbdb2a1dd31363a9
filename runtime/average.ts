/** The last checkpoints of a run → a file of their mean weights, as the paper on attention ends its runs. */
import { joinChunks, parseSafetensors, safetensorsChunks } from './safetensors.ts'
import { averageWeights, weightsOf } from './variables.ts'

/** The newest first; its metadata is the result's. The same bits as `average_last` gives in `dlmc train`. */
export function averageCheckpoints(files: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parsed = files.map((bytes) => parseSafetensors('a checkpoint', bytes))
  const tensors = averageWeights(parsed.map((file) => weightsOf(file.tensors)))
  return joinChunks(safetensorsChunks(tensors, parsed[0]?.metadata))
}
