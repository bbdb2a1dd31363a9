/**
 * JSON text from an untrusted file → values in which nothing is lost or invented: objects become Maps (a key such as
 * `__proto__` is only a key), a key that comes twice is an error (`JSON.parse` would keep the last), depth is bounded,
 * and a number must be a plain non-negative integer that float64 holds. Enough for the header of a safetensors file.
 */
export type StrictJson = string | number | readonly StrictJson[] | ReadonlyMap<string, StrictJson>

/** Where and why the text is not acceptable. */
export class StrictJsonError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

const deepest = 4

export function parseStrictJson(text: string): StrictJson {
  let at = 0

  const fail = (message: string, offset = at): never => {
    throw new StrictJsonError(message, offset)
  }
  const skipSpace = () => {
    while (at < text.length && ' \t\n\r'.includes(text[at]!)) at += 1
  }
  const take = (character: string) => {
    skipSpace()
    if (text[at] !== character) fail(`expected ${JSON.stringify(character)}`)
    at += 1
  }
  const peek = (): string | undefined => {
    skipSpace()
    return text[at]
  }

  const string = (): string => {
    take('"')
    const start = at - 1
    for (; at < text.length; at++) {
      const character = text[at]
      if (character === '"') {
        at += 1
        try {
          return JSON.parse(text.slice(start, at)) as string
        } catch {
          return fail('malformed string', start)
        }
      }
      if (character === '\\') at += 1
    }
    return fail('unterminated string', start)
  }
  const integer = (): number => {
    const digits = /^(?:0|[1-9][0-9]*)(?![0-9.eE+-])/.exec(text.slice(at, at + 24))?.[0]
    if (digits === undefined) return fail('expected a string, a list, an object or a non-negative integer')
    const value = Number(digits)
    if (!Number.isSafeInteger(value)) fail('an integer beyond 2^53')
    at += digits.length
    return value
  }
  const value = (depth: number): StrictJson => {
    if (depth > deepest) fail('nested too deeply')
    switch (peek()) {
      case '{': {
        at += 1
        const entries = new Map<string, StrictJson>()
        if (peek() === '}') {
          at += 1
          return entries
        }
        while (true) {
          skipSpace()
          const start = at
          const key = string()
          if (entries.has(key)) fail(`the key ${JSON.stringify(key)} comes twice`, start)
          take(':')
          entries.set(key, value(depth + 1))
          if (peek() === '}') break
          take(',')
        }
        at += 1
        return entries
      }
      case '[': {
        at += 1
        const items: StrictJson[] = []
        if (peek() === ']') {
          at += 1
          return items
        }
        while (true) {
          items.push(value(depth + 1))
          if (peek() === ']') break
          take(',')
        }
        at += 1
        return items
      }
      case '"':
        return string()
      default:
        return integer()
    }
  }

  const result = value(1)
  if (peek() !== undefined) fail('text after the end of the header')
  return result
}
