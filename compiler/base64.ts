/** Bytes ↔ base64: by Node's own buffers, which do it in one step, or by what every host has. */
const buffers = (globalThis as { readonly Buffer?: typeof Buffer }).Buffer
const bufferOf = (bytes: Uint8Array): Buffer | undefined =>
  buffers?.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)

export const toBase64 = (bytes: Uint8Array): string =>
  bufferOf(bytes)?.toString('base64') ?? btoa(textOfCharacters(bytes))

export function fromBase64(code: string): Uint8Array<ArrayBuffer> {
  if (buffers) return new Uint8Array(buffers.from(code, 'base64'))
  const text = atob(code)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** Bytes as text of as many characters. */
export const textOfBytes = (bytes: Uint8Array): string => bufferOf(bytes)?.toString('latin1') ?? textOfCharacters(bytes)

function textOfCharacters(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += most) text += latin1(bytes.subarray(i, i + most))
  return text
}

/** A call takes so many arguments everywhere. */
const most = 8192
const latin1 = (bytes: Uint8Array): string => String.fromCharCode.apply(null, bytes as unknown as number[])
