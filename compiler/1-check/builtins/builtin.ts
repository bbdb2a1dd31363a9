/**
 * A builtin function is one row: name, signature, a sentence of documentation, and what it makes of its arguments. The
 * signature is read from its text, so that what is shown and what is checked are the same.
 */
import type { Span } from '../../../grammar/source.ts'
import type { Initializer } from '../../../runtime/abi.ts'
import * as shapes from '../../diagnostics/shapes.ts'
import * as statics from '../../diagnostics/static.ts'
import type { Dim } from '../../ir/dim.ts'
import type { DType, Node } from '../../ir/graph.ts'
import { canBeTensor, holdsTensors, notATensor, toTensor } from '../coerce.ts'
import { type Elaboration, fail } from '../elaboration.ts'
import { cast, type Placed } from '../emit.ts'
import { blame, openDims } from '../free-dims.ts'
import { listItems } from '../indexing.ts'
import { asDim, bool, describe, type Given, none, number, string, typeText, type Value } from '../value.ts'

export interface Builtin {
  readonly name: string
  /** `sum(x: tensor, axis: axes = none, keep: bool = false) -> tensor` */
  readonly signature: string
  readonly doc: string
  readonly apply: (call: BuiltinCall) => Value
  /** Of one number known while compiling. */
  readonly ofNumber?: NumberFunction
  /** What the bare name means as a first value: `= zeros`. */
  readonly initializer?: Initializer
}

export interface NumberFunction {
  /** Not a number where it is not defined. */
  readonly compute: (x: number) => number
  /** A float; a whole number where that can be told exactly; or what was given. */
  readonly gives: 'float' | 'whole' | 'alike'
}

interface BuiltinParameter {
  readonly name: string
  readonly kind: string
  readonly default: Value | undefined
  /** `...operands`: any number of further arguments; `**sizes`: any further named ones. */
  readonly many: 'positional' | 'named' | undefined
}

const parsed = new Map<Builtin, readonly BuiltinParameter[]>()

/** The parameters of a row. */
export function parametersOf(builtin: Builtin): readonly BuiltinParameter[] {
  let found = parsed.get(builtin)
  if (!found) {
    const inside = builtin.signature.slice(builtin.signature.indexOf('(') + 1, builtin.signature.lastIndexOf(')'))
    found = inside === '' ? [] : inside.split(', ').map(parseParameter)
    parsed.set(builtin, found)
  }
  return found
}

function parseParameter(text: string): BuiltinParameter {
  const [declared, initial] = text.split(' = ')
  const [name, kind] = declared!.split(': ')
  const many = name!.startsWith('...') ? 'positional' : name!.startsWith('**') ? 'named' : undefined
  return {
    name: name!.replace(/^\W+/, ''),
    kind: kind ?? 'any',
    default: initial === undefined ? undefined : literal(initial),
    many,
  }
}

function literal(text: string): Value {
  if (text === 'none') return none
  if (text === 'true' || text === 'false') return bool(text === 'true')
  return text.startsWith('"') ? string(text.slice(1, -1)) : number(Number(text))
}

/** The argument of each parameter, and what goes to `...` or `**`. */
export interface Assigned {
  readonly values: ReadonlyMap<string, Given>
  readonly more: readonly Given[]
}

/** The arguments of one call, in the form a row asks for. */
export class BuiltinCall {
  readonly e: Elaboration
  readonly builtin: Builtin
  readonly span: Span
  readonly more: readonly Given[]
  readonly #values: ReadonlyMap<string, Given>

  constructor(e: Elaboration, builtin: Builtin, span: Span, assigned: Assigned) {
    this.e = e
    this.builtin = builtin
    this.span = span
    this.more = assigned.more
    this.#values = assigned.values
  }

  value(name: string): Value {
    return this.#values.get(name)!.value
  }
  at(name: string): Span {
    return this.#values.get(name)!.span
  }
  absent(name: string): boolean {
    return this.value(name).kind === 'none'
  }
  wrong(name: string, expected: string): never {
    const value = this.value(name)
    if (value.kind === 'tensor') blame(this.e, openDims(value.node))
    return fail(this.e, shapes.wrongKind, {
      role: 'argument',
      label: `${name} of ${this.builtin.name}`,
      span: this.at(name),
      typeSpan: undefined,
      expected,
      given: describe(this.value(name)),
    })
  }
  /** A fault in a value: "the rate of dropout must be below 1". */
  bad(name: string | undefined, reason: string): never {
    return fail(this.e, statics.badValue, {
      span: name === undefined ? this.span : this.at(name),
      reason: name === undefined ? `${this.builtin.name}: ${reason}` : `${name} of ${this.builtin.name}: ${reason}`,
    })
  }

  tensor(name: string, wanted?: DType): Node {
    const value = this.value(name)
    if (!canBeTensor(value) && !holdsTensors(value)) return this.wrong(name, 'a tensor')
    return toTensor(this.e, value, this.at(name), wanted)
  }
  placed(name: string, wanted?: DType): Placed {
    return { node: this.tensor(name, wanted), span: this.at(name) }
  }
  /** A tensor of numbers; ints are made float. */
  float(name: string): Node {
    const node = this.tensor(name, 'float')
    return node.dtype === 'bool' ? this.notNumbers(name, node) : cast(this.e, node, 'float')
  }
  numeric(name: string): Node {
    const node = this.tensor(name)
    return node.dtype === 'bool' ? this.notNumbers(name, node) : node
  }
  notNumbers(name: string, node: Node): never {
    return fail(this.e, shapes.operandDtype, {
      span: this.at(name),
      operation: `given to ${this.builtin.name}`,
      given: typeText(node),
      needed: 'numbers',
      convert: 'float(…)',
    })
  }
  tensorOf(given: Given, wanted?: DType): Placed {
    if (!canBeTensor(given.value)) return fail(this.e, shapes.notATensor, notATensor(given.value, given.span))
    return { node: toTensor(this.e, given.value, given.span, wanted), span: given.span }
  }

  number(name: string): number {
    const value = this.value(name)
    return value.kind === 'number' ? value.value : this.wrong(name, 'a number known while compiling')
  }
  int(name: string): number {
    const value = this.value(name)
    return value.kind === 'number' && Number.isSafeInteger(value.value)
      ? value.value
      : this.wrong(name, 'a whole number known while compiling')
  }
  dim(name: string): Dim {
    return asDim(this.value(name)) ?? this.wrong(name, 'a size')
  }
  flag(name: string): boolean {
    const value = this.value(name)
    return value.kind === 'bool' ? value.value : this.wrong(name, 'true or false')
  }
  text(name: string): string {
    const value = this.value(name)
    return value.kind === 'string' ? value.value : this.wrong(name, 'a string')
  }
  items(name: string): readonly Value[] {
    const value = this.value(name)
    return value.kind === 'list' || value.kind === 'range'
      ? listItems(this.e, value, this.at(name))
      : this.wrong(name, 'a list')
  }
  dims(name: string): readonly Dim[] {
    const value = this.value(name)
    const single = asDim(value)
    if (single) return [single]
    return this.items(name).map((item) => asDim(item) ?? this.wrong(name, 'a list of sizes'))
  }
  ints(name: string): readonly number[] {
    return this.dims(name).map((d) => d.constant ?? this.wrong(name, 'whole numbers known while compiling'))
  }

  /** One axis of a tensor, counted from the end where negative. */
  axis(name: string, rank: number): number {
    return this.axisOf(this.int(name), name, rank)
  }
  /** Axes as one number, a list, or `none` for all. */
  axes(name: string, rank: number): readonly number[] {
    if (this.absent(name)) return Array.from({ length: rank }, (_, i) => i)
    const axes = this.ints(name).map((axis) => this.axisOf(axis, name, rank))
    if (new Set(axes).size !== axes.length) this.bad(name, 'it names an axis twice')
    return [...axes].sort((a, b) => a - b)
  }
  axisOf(axis: number, name: string, rank: number): number {
    const found = axis < 0 ? axis + rank : axis
    return found >= 0 && found < rank
      ? found
      : fail(this.e, shapes.axisRange, { span: this.at(name), axis, rank, label: this.builtin.name })
  }
}
