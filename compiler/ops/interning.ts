/** When two nodes are one: equal op, operands and attributes give equal keys. */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { OpName } from './registry.ts'

export function internKey(op: OpName, operands: readonly Node[], attributes: object): string {
  return withOperands(typeText(op, attributes), operands)
}

/** The same for attributes that go from pass to pass as they are: their text is made once. */
export function copyKey(op: OpName, operands: readonly Node[], attributes: object): string {
  return withOperands(copiedText(op, attributes), operands)
}

/** Equal for the same op with equal attributes. */
export function copiedText(op: OpName, attributes: object): string {
  let text = texts.get(attributes)
  if (text === undefined) {
    text = typeText(op, attributes)
    texts.set(attributes, text)
  }
  return text
}

function typeText(op: OpName, attributes: object): string {
  let text: string = op
  for (const name in attributes) text += `|${attributeKey(attributes[name as keyof typeof attributes])}`
  return text
}

function withOperands(text: string, operands: readonly Node[]): string {
  let key = text
  for (let at = 0; at < operands.length; at++) key += ` ${operands[at]!.id}`
  return key
}

/** Equal for equal attributes, those that are left out aside. */
export function attributesKey(attributes: object, without: ReadonlySet<string>): string {
  let key = ''
  for (const name in attributes)
    if (!without.has(name)) key += `|${attributeKey(attributes[name as keyof typeof attributes])}`
  return key
}

/** Attributes are numbers, strings, booleans, dims, and lists and records of them; records list their fields in one order. */
function attributeKey(value: unknown): string {
  // Told apart from 0, of which it is no equal in a division.
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'string') return `"${value.length}:${value}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    if (value.length > longList) return identity(value)
    return value.length > shortList ? remembered(value) : listKey(value)
  }
  if ('key' in value) return (value as Dim).key
  // The body of a scan is a graph of its own, the same only as itself.
  if ('family' in value) return identity(value)
  let text = '{'
  for (const name in value) text += `${name}:${attributeKey(value[name as keyof typeof value])},`
  return `${text}}`
}

const listKey = (list: readonly unknown[]): string => {
  let text = '['
  for (const item of list) text += `${attributeKey(item)},`
  return `${text}]`
}

/** Tables of numbers go from pass to pass as they are: their text is made once. */
const shortList = 16
const texts = new WeakMap<object, string>()
function remembered(list: readonly unknown[]): string {
  const text = texts.get(list) ?? listKey(list)
  texts.set(list, text)
  return text
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
