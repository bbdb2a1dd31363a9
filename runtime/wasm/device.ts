/** The device `wasm`: the machine's processor, through WebAssembly SIMD, by as many threads as it has cores. */
import type { Device } from '../device.ts'
import { platform } from '../platform.ts'
import { openWasmSession } from './session.ts'
import { hasRelaxedSimd } from './specialize.ts'

export interface WasmOptions {
  /** Exactly so many. By default one for each core, or none beside the host's where a session has little to do. */
  readonly threads?: number | undefined
  /** Where the platform does not say; 1 where threads cannot share memory (a page that is not cross-origin isolated). */
  readonly cores?: number | undefined
  /** Bytes that sessions may take, where that is known. */
  readonly memory?: number | undefined
  /** One line that says how to get a faster device. */
  readonly advice?: string | undefined
}

/** More meet too slowly: what they wait for each other grows, and what each has to do shrinks. */
const mostThreads = 16

export function wasmDevice({ threads, cores, memory, advice }: WasmOptions = {}): Device {
  const count = Math.max(1, Math.min(mostThreads, Math.floor(threads ?? cores ?? availableThreads())))
  const crew = { most: count, exact: threads !== undefined }
  const description = {
    kind: 'wasm',
    name: `WebAssembly (${count} ${count === 1 ? 'thread' : 'threads'}, ${hasRelaxedSimd() ? 'SIMD with fused multiply-add' : 'SIMD'})`,
    ...(advice !== undefined && { advice }),
  } as const
  return {
    description,
    target: 'wasm',
    subgroup: undefined,
    lost: new Promise(() => undefined),
    check: () => undefined,
    open: (program, options) => openWasmSession(program, description, crew, memory, options),
    dispose: () => undefined,
  }
}

function availableThreads(): number {
  const { cores } = platform()
  if (cores !== undefined) return cores
  const { crossOriginIsolated, navigator } = globalThis as {
    crossOriginIsolated?: boolean
    navigator?: { hardwareConcurrency?: number }
  }
  return crossOriginIsolated ? (navigator?.hardwareConcurrency ?? 1) : 1
}
