/** Arguments → text that is equal where their types and static values are: `b float[batch, 64];` for a tensor, `i 10;` for a size. */
import type { Node } from '../ir/graph.ts'
import type { Given, Value } from './value.ts'

/** Letters of a key: a call with more is not compared. */
const longest = 512

/** `undefined` where one has no key. */
export function argumentsKey(given: readonly Given[]): string | undefined {
  let key = ''
  for (const { name, value } of given) {
    const part = valueKey(value)
    if (part === undefined) return undefined
    key += name ? `${name.name}=${part};` : `${part};`
    if (key.length > longest) return undefined
  }
  return key
}

export function valueKey(value: Value): string | undefined {
  switch (value.kind) {
    case 'tensor':
      return typeKey(value.node)
    case 'number':
      return `${value.integer ? 'i' : 'f'}${Object.is(value.value, -0) ? '-0' : value.value}`
    case 'dim':
      return `d${value.dim.key}`
    case 'bool':
      return value.value ? 'true' : 'false'
    case 'string':
      return JSON.stringify(value.value)
    case 'none':
      return 'none'
    case 'range':
      return `${value.start.key}..${value.stop.key}`
    case 'list':
      return value.size > longest ? undefined : itemsKey('[', value.items)
    case 'tuple': {
      const items = itemsKey(
        '(',
        value.parts.map((p) => p.value),
      )
      return items && `${items}${value.parts.map((p) => p.name ?? '').join()}`
    }
    case 'builtin':
      return `builtin ${value.builtin.name}`
    // Both stand at the top of a file, whose scope they have.
    case 'function':
    case 'module':
      return `declared ${identity(value.declaration)}`
    case 'initializer':
    case 'lambda':
    case 'model':
    case 'blueprint':
    case 'layer':
    case 'poison':
      return undefined
    default:
      return value satisfies never
  }
}

/** Whole numbers may be looked up in tables, which is asked of the graph: what takes them is run. */
function typeKey({ dtype, shape }: Node): string | undefined {
  if (dtype === 'int' || dtype === 'uint') return undefined
  let key = dtype === 'float' ? '~' : '?'
  for (const size of shape) key += `${size.key},`
  return key
}

function itemsKey(open: string, items: readonly Value[]): string | undefined {
  let key = open
  for (const item of items) {
    const part = valueKey(item)
    if (part === undefined) return undefined
    key += `${part},`
  }
  return `${key})`
}

const identities = new WeakMap<object, number>()
let next = 0
function identity(declaration: object): number {
  const known = identities.get(declaration) ?? next++
  identities.set(declaration, known)
  return known
}
