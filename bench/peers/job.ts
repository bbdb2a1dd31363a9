/** What a peer's process is told, and where it finds the numbers: its arguments are a workload, a device and a folder. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeTensor, parseSafetensors } from '../../runtime/safetensors.ts'
import { type NamedTensor, type Workload, workloads } from '../workloads.ts'

export interface Job {
  readonly workload: Workload
  /** `lavapipe`, `gpu`, `wasm`, `cpu`. */
  readonly device: string
  readonly folder: string
  readonly inputs: ReadonlyMap<string, NamedTensor>
  /** Empty for a product. */
  readonly weights: ReadonlyMap<string, NamedTensor>
}

export function readJob([id, device, folder]: readonly string[]): Job {
  const workload = workloads.find((w) => w.id === id)!
  return {
    workload,
    device: device!,
    folder: folder!,
    inputs: tensorsOf(join(folder!, `${id}.inputs.safetensors`)),
    weights: workload.kind === 'product' ? new Map() : tensorsOf(join(folder!, `${id}.weights.safetensors`)),
  }
}

function tensorsOf(path: string): Map<string, NamedTensor> {
  const { tensors } = parseSafetensors(path, readFileSync(path))
  return new Map(
    [...tensors].map(([name, { dtype, shape, bytes }]) => [
      name,
      { name, shape, data: decodeTensor(dtype, bytes) as Float32Array | Int32Array },
    ]),
  )
}
