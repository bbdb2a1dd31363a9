/**
 * Values and words → TypeScript text that means exactly them. Whatever a user wrote goes through here: as a string literal,
 * a property key, a checked identifier or the text of a comment, so that nothing of it can become code.
 */

/**
 * A string literal. Besides JSON's escapes: line separators, and `<`, so that no `</script>` is in the text. A backslash is a
 * number, too: what writes the file takes a quote behind two of them for one that does not end the string.
 */
export const stringLiteral = (text: string): string => (harmless.test(text) ? `"${text}"` : escaped(text))

/** What every reader takes as it stands, as nearly all names are. */
const harmless = /^[\w./:,;()[\] +*=-]*$/
const escaped = (text: string): string =>
  JSON.stringify(text)
    .replaceAll('\\\\', '\\u005c')
    .replace(/[\u007f-\u009f\u2028\u2029\ufeff<\p{Cf}]/gu, (c) =>
      [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
    )

/** A template literal, for texts of many lines that people read. */
export const templateLiteral = (text: string): string =>
  `\`${text.replace(/[\\`]|\$(?=\{)|<(?=[/!])|[^\n\x20-\x7e]/g, (c) => (/[\\`$]/.test(c) ? `\\${c}` : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))}\``

const identifier = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u

/** The key of a property in a type, where `__proto__` is a name like any other. */
export const propertyName = (name: string): string => (isPlain(name) ? name : stringLiteral(name))

/** The key of a property in an object literal, where `__proto__: x` would set the prototype. */
export const objectKey = (name: string): string => (name === '__proto__' ? `["__proto__"]` : propertyName(name))

const isPlain = (name: string): boolean => /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name)

/** Any JSON value as an expression. */
export function valueLiteral(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return stringLiteral(value)
    case 'number':
      return numberLiteral(value)
    case 'boolean':
      return String(value)
    case 'object': {
      if (value === null) return 'null'
      if (Array.isArray(value)) return `[${value.map(valueLiteral).join(', ')}]`
      const fields = Object.entries(value).filter(([, v]) => v !== undefined)
      return fields.length === 0
        ? '{}'
        : `{ ${fields.map(([k, v]) => `${objectKey(k)}: ${valueLiteral(v)}`).join(', ')} }`
    }
    default:
      return 'undefined'
  }
}

export const numberLiteral = (value: number): string =>
  Number.isFinite(value)
    ? Object.is(value, -0)
      ? '-0'
      : String(value)
    : Number.isNaN(value)
      ? 'Number.NaN'
      : `${value < 0 ? '-' : ''}Number.POSITIVE_INFINITY`

/** Text inside a doc comment: it cannot end the comment, begin a tag, or speak to a tool. */
export const commentText = (text: string): string =>
  text
    .replace(/\r\n?|[\u2028\u2029\u0085\v\f]/g, '\n')
    .replace(/[\p{Cc}\p{Cf}]/gu, (c) => (c === '\n' ? c : ' '))
    .replace(/\*\//g, '*\\/')
    .replace(/<(?=[/!])/g, '<\\')
    .replace(/(^|\n)([\s/*]*)@/g, '$1$2\\@')
    .replace(/@(?=ts-)/g, '\\@')
    .replace(/\{@/g, '{\\@')
    .replace(/([#@])(\s*)(source(?:Mapping)?URL|__)/gi, '$1$2\\$3')
    // A `*` before the comment's own end would close it early, a slash after a line's own star too.
    .replace(/\n\//g, '\n\\/')
    .replace(/\*$/, '* ')

/** Words of the language and names that modules use themselves. */
const reserved = new Set(
  'abstract any arguments as asserts async await bigint boolean break case catch class const constructor continue debugger declare default delete do else enum eval export extends false finally for from function get global globalThis if implements import in infer instanceof interface intrinsic is keyof let module namespace never new null number object of out override package private protected public readonly require return satisfies set static string super switch symbol this throw true try type typeof undefined unique unknown using var void while with yield NaN Infinity Math Number Object Promise Record Readonly Iterable Array Float32Array Int32Array Uint32Array Symbol Error AbortSignal Uint8Array undefined'.split(
    ' ',
  ),
)

/**
 * A name of the user's as an identifier of a module: as it is where that is possible, with `_` in place of what is not a
 * letter or digit, and a `_` behind it while it or one of its compounds is taken.
 */
export function identifierFor(name: string, taken: (candidate: string) => boolean): string {
  let candidate = [...name].map((c, i) => (identifier.test(i === 0 ? c : `a${c}`) ? c : '_')).join('') || '_'
  if (!identifier.test(candidate)) candidate = `_${candidate}`
  while (reserved.has(candidate) || /^(?:s|k|p)\d+$/.test(candidate) || taken(candidate)) candidate += '_'
  return candidate
}

/** `CifarNet` → `cifar_net`: harmless on every file system. */
export function fileStem(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 64)
  const stem = words === '' ? 'model' : words
  return /^(con|prn|aux|nul|com\d|lpt\d)$/.test(stem) ? `${stem}_model` : stem
}
