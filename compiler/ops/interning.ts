/**
 * When two nodes are one: equal op, operands and attributes. Such nodes have a number in common, which few others have, and by
 * which they are found; then they are compared.
 */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { OpName } from './registry.ts'

/** Mixes a number into another; both stay small enough to be no objects. */
export const mixed = (into: number, value: number): number =>
  ((into & 0x1fffff) * 509 + (into >>> 21) + value) & 0x3fffffff

/** A number that an op with equal attributes has again. */
export function likenessOf(op: OpName, attributes: object): number {
  let number = opNumbers.get(op)
  if (number === undefined) {
    number = numberOfText(op)
    opNumbers.set(op, number)
  }
  for (const name in attributes) number = mixed(number, numberOf(attributes[name as keyof typeof attributes]))
  return number
}
const opNumbers = new Map<OpName, number>()

/** Where a node of such likeness and these operands is looked for first. */
export function placeOf(likeness: number, operands: readonly Node[]): number {
  let place = likeness
  for (let at = 0; at < operands.length; at++) place = mixed(place, operands[at]!.id)
  return place
}
export const nextPlace = (place: number): number => (place + 1) & 0x3fffffff

export function isSame(node: Node, op: OpName, operands: readonly Node[], attributes: object): boolean {
  if (node.op !== op) return false
  const own = node.operands
  if (own.length !== operands.length) return false
  for (let at = 0; at < own.length; at++) if (own[at] !== operands[at]) return false
  return sameAttributes(node.attributes, attributes)
}

export const sameAttributes = (a: object, b: object): boolean => a === b || sameFields(a, b)

/** Attributes are numbers, strings, booleans, dims, and lists and records of them; records list their fields in one order. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return (value % 1 === 0 ? value : value * 65537) & 0x3fffffff
  if (typeof value === 'string') return numberOfText(value)
  if (typeof value !== 'object' || value === null) return value ? 1 : 2
  if (Array.isArray(value)) {
    let number = value.length
    // Of records in a list, such as the accesses of a contraction, their number says enough.
    if (number > 0 && isRecord(value[0])) return number
    const items = Math.min(number, shortList)
    for (let at = 0; at < items; at++) number = mixed(number, numberOf(value[at]))
    return number
  }
  const { key, constant } = value as Partial<Dim>
  if (key !== undefined) return constant === undefined ? numberOfText(key) : constant & 0x3fffffff
  if ('family' in value) return 3
  let number = 4
  for (const name in value) number = mixed(number, numberOf(value[name as keyof typeof value]))
  return number
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !('key' in value)

function numberOfText(text: string): number {
  let number = text.length
  for (let at = 0; at < text.length; at++) number = mixed(number, text.charCodeAt(at))
  return number
}

function sameFields(a: object, b: object): boolean {
  let fields = 0
  for (const name in a) {
    fields++
    if (!sameValue(a[name as keyof typeof a], b[name as keyof typeof b])) return false
  }
  for (const _ in b) fields--
  return fields === 0
}

function sameValue(a: unknown, b: unknown): boolean {
  // 0 is told apart from -0, of which it is no equal in a division.
  if (a === b) return a !== 0 || Object.is(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length || a.length > longList) return false
    for (let at = 0; at < a.length; at++) if (!sameValue(a[at], b[at])) return false
    return true
  }
  // Dims are interned; the body of a scan is a graph of its own, the same only as itself.
  return !('key' in a || 'family' in a || Array.isArray(b)) && sameFields(a, b)
}

/** The same as text: equal for equal op, operands and attributes. */
export function internKey(op: OpName, operands: readonly Node[], attributes: object): string {
  let key = typeText(op, attributes)
  for (let at = 0; at < operands.length; at++) key += ` ${operands[at]!.id}`
  return key
}

function typeText(op: OpName, attributes: object): string {
  let text: string = op
  for (const name in attributes) text += `|${attributeKey(attributes[name as keyof typeof attributes])}`
  return text
}

/** Equal for equal attributes, those that are left out aside. */
export function attributesKey(attributes: object, without: ReadonlySet<string>): string {
  let key = ''
  for (const name in attributes)
    if (!without.has(name)) key += `|${attributeKey(attributes[name as keyof typeof attributes])}`
  return key
}

function attributeKey(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'string') return `"${value.length}:${value}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    if (value.length > longList) return identity(value)
    return value.length > shortList ? remembered(value) : listKey(value)
  }
  if ('key' in value) return (value as Dim).key
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
