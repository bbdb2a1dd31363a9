/**
 * WebAssembly code in base64 → the same, deflated first. What a page downloads is compressed once more, and base64 hides from
 * a compressor what repeats: the MNIST convnet's code takes 12.4 KB that way, and 8.6 KB so.
 */
import type { CompiledProgram } from '../../../runtime/abi.ts'

export async function withPackedCode(program: CompiledProgram): Promise<CompiledProgram> {
  if (!program.wasm) return program
  const code = Uint8Array.from(atob(program.wasm.code), (c) => c.charCodeAt(0))
  const packed = new Blob([code]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer())
  const text = btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''))
  return { ...program, wasm: { ...program.wasm, code: text, packed: 'deflate-raw' } }
}
