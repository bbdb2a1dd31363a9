/** Writes what all peers of a workload start from: its weights and inputs as safetensors, which any language reads. */
import { join } from 'node:path'
import { writeFileAtomically } from '../runtime/node/atomic-file.ts'
import { safetensorsChunks, tensorOf } from '../runtime/safetensors.ts'
import { inputsOf, models, type NamedTensor, startWeights, type Workload } from './workloads.ts'

export async function writeJob(workload: Workload, folder: string): Promise<void> {
  await write(join(folder, `${workload.id}.inputs.safetensors`), inputsOf(workload))
  if (workload.kind !== 'product')
    await write(join(folder, `${workload.id}.weights.safetensors`), startWeights(models[workload.model]))
}

const write = (path: string, tensors: readonly NamedTensor[]): Promise<void> =>
  writeFileAtomically(
    path,
    safetensorsChunks(new Map(tensors.map(({ name, data, shape }) => [name, tensorOf(data, shape)])), new Map()),
  )
