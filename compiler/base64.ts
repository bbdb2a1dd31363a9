/** Bytes ↔ base64, by what every host has. */
export const toBase64 = (bytes: Uint8Array): string => btoa(textOfBytes(bytes))

export function fromBase64(code: string): Uint8Array<ArrayBuffer> {
  const text = atob(code)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** Bytes as text of as many characters. */
export function textOfBytes(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += most) text += latin1(bytes.subarray(i, i + most))
  return text
}

/** A call takes so many arguments everywhere. */
const most = 8192
const latin1 = (bytes: Uint8Array): string => String.fromCharCode.apply(null, bytes as unknown as number[])
