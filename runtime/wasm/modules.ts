/** A program's WebAssembly code under given dims → a compiled module, made once per process and binding of the dims. */
import type { CompiledProgram, DimValues, WasmCode } from '../abi.ts'
import { bytesOfBase64 } from '../contents.ts'
import { DeviceError } from '../errors.ts'
import { conductorCode } from './conductor.generated.ts'
import { hasRelaxedSimd, specialize } from './specialize.ts'

/** Any memory fits these limits, so that a module serves sessions with memories of any size. */
const pages = { minimum: 0, maximum: 65_536, shared: true } as const

const known = new WeakMap<WasmCode, Map<string, Promise<WebAssembly.Module>>>()

/** The threads' own program. */
export const conductorModule = (): Promise<WebAssembly.Module> =>
  WebAssembly.compile(Uint8Array.from(conductorCode.match(/../g)!, (byte) => Number(`0x${byte}`)))

export function moduleFor(program: CompiledProgram, dims: DimValues): Promise<WebAssembly.Module> {
  const code = program.wasm!
  const ofProgram = known.get(code) ?? new Map<string, Promise<WebAssembly.Module>>()
  known.set(code, ofProgram)
  const key = program.dims.map((name) => dims[name]).join()
  const made = ofProgram.get(key) ?? compileModule(program.name, code, dims)
  ofProgram.set(key, made)
  return made
}

async function compileModule(name: string, code: WasmCode, dims: DimValues): Promise<WebAssembly.Module> {
  try {
    const bytes = await unpacked(code)
    return await WebAssembly.compile(specialize(code, { dims, pages, relaxed: hasRelaxedSimd() }, bytes))
  } catch (cause) {
    throw new DeviceError(`the kernels of ${name} do not compile: ${String(cause)}`, undefined, { cause })
  }
}

async function unpacked({ code, packed }: WasmCode): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = bytesOfBase64(code)
  if (!packed) return bytes
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(packed)).getReader()
  // A `Response` would do it in a line, and bring all of Node's network with it: 2.4 MiB and 23 ms.
  const parts: Uint8Array<ArrayBuffer>[] = []
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value)
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}
