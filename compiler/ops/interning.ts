/** When two nodes are one: equal op, operands and attributes give equal keys. */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { OpName } from './registry.ts'

export function internKey(op: OpName, operands: readonly Node[], attributes: object): string {
  let key: string = op
  for (const operand of operands) key += ` ${operand.id}`
  for (const value of Object.values(attributes)) key += `|${attributeKey(value)}`
  return key
}

/** Attributes are numbers, strings, booleans, dims, and lists and records of them; records list their fields in one order. */
function attributeKey(value: unknown): string {
  // Told apart from 0, of which it is no equal in a division.
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return value.length > longList ? identity(value) : `[${value.map(attributeKey).join(',')}]`
  if ('key' in value) return (value as Dim).key
  // The body of a scan is a graph of its own, the same only as itself.
  if ('family' in value) return identity(value)
  return `{${Object.entries(value)
    .map(([name, field]) => `${name}:${attributeKey(field)}`)
    .sort()
    .join(',')}}`
}

/** Long tables of numbers are one only when they are the same list: comparing them would cost more than it saves. */
const longList = 4096
const identities = new WeakMap<object, number>()
let nextIdentity = 0
function identity(value: object): string {
  const known = identities.get(value) ?? nextIdentity++
  identities.set(value, known)
  return `identity ${known}`
}
