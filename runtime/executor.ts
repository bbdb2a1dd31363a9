/**
 * What runs a compiled program: a WebGPU session, or the reference interpreter in its place. The trainer, `dlmc run`
 * and generated modules speak to this interface only.
 */
import type { CompiledProgram, DimValues } from './abi.ts'

export interface DeviceDescription {
  /** `gpu`, `software`, `reference` (and later `wasm`). */
  readonly kind: 'gpu' | 'software' | 'wasm' | 'reference'
  /** `NVIDIA GeForce RTX 4070 (vulkan)`, `llvmpipe (LLVM 15, 256 bits)`. */
  readonly name: string
  /** One line that says how to get a faster device, where there is one. */
  readonly advice?: string
}

/** The values of step-block fields, by name: `rate`, `step`, `seed`, … */
export type StepValues = Readonly<Record<string, number>>

export type TensorData = Float32Array | Int32Array | Uint32Array

/** Scalars (losses, metrics) of one run of an entry, in the order in which runs were enqueued. */
export interface ScalarRow {
  readonly ticket: number
  readonly values: Readonly<Record<string, number>>
}

export interface OpenOptions {
  readonly dims: DimValues
  /** Entries that will be run; storage of the others is not allocated. */
  readonly entries: readonly string[]
  /** Further bindings of the dims under which an entry will run too (a last, smaller evaluation batch). */
  readonly variants?: readonly { readonly entry: string; readonly dims: DimValues }[]
  readonly onProgress?: (done: number, total: number, what: string) => void
  /** For tests: fills intermediates with a NaN (0xFFC0DEAD) before each run, so that reading a stale one shows. */
  readonly poison?: boolean
}

export interface Executor {
  readonly device: DeviceDescription
  readonly program: CompiledProgram
  readonly dims: DimValues
  /** Bytes of every buffer created, staging included. Equals the certified footprint. */
  readonly allocatedBytes: number
  /** Enqueues an upload. The length must be the tensor's under the session's dims (or a variant's, for its batch). */
  write(name: string, data: TensorData, dims?: DimValues): void
  /** Waits for enqueued work and reads a tensor, into an array that is given for it or a new one. */
  read(name: string, dims?: DimValues, into?: TensorData): Promise<TensorData>
  /** Enqueues one run of an entry and returns its ticket; does not wait, except to keep at most two runs in flight. */
  run(entry: string, step?: StepValues, dims?: DimValues): Promise<number>
  /** The scalars of all runs enqueued since the last call, read back in one transfer. */
  scalars(): Promise<readonly ScalarRow[]>
  /** Resolves with the reason when the device is lost. */
  readonly lost: Promise<string>
  dispose(): void
}
