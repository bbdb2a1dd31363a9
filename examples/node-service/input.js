/** A request's body → 784 greys between 0 and 1, or an error that says what was expected. */
export const pixels = 28 * 28
const maximumBytes = 64 * 1024

export class InputError extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

export async function readPicture(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > maximumBytes) throw new InputError(413, `a body of at most ${maximumBytes} bytes is expected`)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  return /^application\/json\b/i.test(request.headers['content-type'] ?? '') ? fromJson(body) : fromBytes(body)
}

function fromBytes(body) {
  if (body.length !== pixels)
    throw new InputError(400, `${pixels} bytes are expected, one grey each; there are ${body.length}`)
  return Float32Array.from(body, (v) => v / 255)
}

function fromJson(body) {
  let value
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw new InputError(400, 'the body is not JSON')
  }
  const image = value?.image
  if (!Array.isArray(image)) throw new InputError(400, '`image` is expected: a list of numbers from 0 to 1')
  if (image.length !== pixels)
    throw new InputError(400, `\`image\` is expected to have ${pixels} numbers; it has ${image.length}`)
  const wrong = image.findIndex((v) => typeof v !== 'number' || !(v >= 0 && v <= 1))
  if (wrong >= 0) throw new InputError(400, `\`image[${wrong}]\` is expected to be a number from 0 to 1`)
  return Float32Array.from(image)
}
