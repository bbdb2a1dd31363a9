/**
 * Scalar expressions in WGSL. Each is computed once, in the outermost block where everything it depends on is known:
 * what a loop does not change is computed before the loop. Loads stay within their guards.
 */
import type { DType } from '../../ir/graph.ts'
import type { Scalar } from '../../ir/kernel.ts'

import { combined, isArg, numberText, registerType, startOf } from './combine.ts'
import { type Context, guardLoads, inside, loops, nameOf, placeOf } from './context.ts'
import { functionPrinters } from './functions.ts'
import { accumulator, childrenOf, memory, type Variable } from './identity.ts'
import { printGuard, printIndex, withoutParentheses } from './print-index.ts'
import { components, quarter } from './vector.ts'

/** Longer expressions than this get a name of their own. */
const longest = 90

/** The value as text: a name, a literal, or an expression in parentheses. */
export function printScalar(context: Context, scalar: Scalar): string {
  switch (scalar.kind) {
    case 'number':
      return numberText(scalar.value, scalar.dtype)
    case 'stage':
      return required(context, scalar.stage, `stage ${scalar.stage}`)
    case 'accumulator':
      return required(context, accumulator, 'the accumulator')
    case 'position': {
      if (scalar.index.kind === 'dim') return printSize(context, scalar)
      const index = printIndex(context, scalar.index)
      return scalar.dtype === 'uint' ? index : `i32(${withoutParentheses(index)})`
    }
    case 'load':
    case 'apply':
    case 'guarded':
    case 'reduce':
      return compute(context, scalar)
    default:
      return scalar satisfies never
  }
}

/**
 * A size as a value, under a name: an expression of overridable constants is evaluated when the pipeline is made, where
 * the reciprocal of an empty batch's size is an error even if no lane ever asks for it. What has a name is not.
 */
function printSize(context: Context, scalar: Extract<Scalar, { kind: 'position' }>): string {
  const { body } = context.shader
  const key = `size ${context.shader.identities.of(scalar).id}`
  const known = body.known.get(key)
  if (known !== undefined) return known
  const size = withoutParentheses(printIndex(context, scalar.index))
  const name = context.shader.fresh('v')
  body.line(`let ${name} = ${scalar.dtype === 'uint' ? size : `i32(${size})`};`)
  body.known.set(key, name)
  return name
}

/** The value under a name, so that it is computed before whatever is written next. */
export function printNamed(context: Context, scalar: Scalar): string {
  const text = printScalar(context, scalar)
  return isAtom(text) ? text : declare(context, text)
}

type Computed = Extract<Scalar, { kind: 'load' | 'apply' | 'guarded' | 'reduce' }>

function compute(context: Context, scalar: Computed): string {
  const identity = context.shader.identities.of(scalar)
  const { block, key } = placeOf(context, identity)
  const known = block.known.get(key)
  if (known !== undefined) return known
  const here = inside(context, block)
  const text = generate(here, scalar)
  const once = block === context.block && context.shader.identities.uses(identity) <= 1
  if (scalar.kind === 'apply' && once && text.length <= longest) {
    context.shader.isTight ||= mayBeLonger(text)
    return text
  }
  const name = isAtom(text) ? text : declare(here, text)
  block.known.set(key, name)
  return name
}

/** Whether it is too long with numbers of two more digits in its names. */
const mayBeLonger = (text: string): boolean =>
  3 * text.length > longest && text.length + 2 * (text.match(/[a-z]\d+/g)?.length ?? 0) > longest

function generate(context: Context, scalar: Computed): string {
  switch (scalar.kind) {
    case 'load':
      return printLoad(context, scalar)
    case 'apply':
      return printApply(context, scalar)
    case 'guarded':
      return printGuarded(context, scalar)
    case 'reduce':
      return printReduce(context, scalar)
    default:
      return scalar satisfies never
  }
}

function declare(context: Context, text: string): string {
  const name = context.shader.fresh('v')
  context.block.line(`let ${name} = ${withoutParentheses(text)};`)
  return name
}

const isAtom = (text: string): boolean => /^[A-Za-z_0-9.]+$/.test(text)

function required(context: Context, variable: Variable, what: string): string {
  const name = nameOf(context, variable)
  if (name === undefined) throw new Error(`${what} is not known here`)
  return name
}

type Load = Extract<Scalar, { kind: 'load' }>

function printLoad(context: Context, load: Load): string {
  const { shader } = context
  const isVector = shader.vectors.slots.has(load.slot)
  const part = isVector ? quarter(load.index, shader.vectors.aligned) : undefined
  if (part && load.dtype !== 'bool')
    return `${loadVector(context, { ...load, index: part.base })}.${components[part.component]}`
  const index = predicated(context, withoutParentheses(printIndex(context, load.index)))
  const element = isVector
    ? `${shader.slot(load.slot)}[(${index}) / 4u][(${index}) % 4u]`
    : shader.element(load.slot, index)
  if (load.dtype === 'bool') return `(${element} != 0u)`
  return context.shader.storages[load.slot] === 'f16' ? `f32(${element})` : element
}

/** Where loads are predicated, each reads element 0 where its guard fails. */
function predicated(context: Context, index: string): string {
  const predicate = nameOf(context, memory)
  return predicate ? `select(0u, ${index}, ${predicate})` : index
}

/** The vector of four elements that begins at the load's index, under a name; each is loaded once where it is known. */
function loadVector(context: Context, load: Load): string {
  const { shader } = context
  const { block, key } = placeOf(context, shader.identities.of(load))
  const known = block.known.get(`vector ${key}`)
  if (known !== undefined) return known
  const here = inside(context, block)
  const index = predicated(here, withoutParentheses(printIndex(here, load.index)))
  const vector = `${shader.slot(load.slot)}[(${index}) / 4u]`
  const name = declare(here, shader.storages[load.slot] === 'f16' ? `vec4f(${vector})` : vector)
  block.known.set(`vector ${key}`, name)
  return name
}

/** How a value of a dtype is written to a slot. */
export function stored(context: Context, slot: number, dtype: DType, value: string): string {
  if (dtype === 'bool') return `select(0u, 1u, ${value})`
  const text = withoutParentheses(value)
  return context.shader.storages[slot] === 'f16' ? `f16(${text})` : text
}

function printApply(context: Context, scalar: Extract<Scalar, { kind: 'apply' }>): string {
  const whole = wholePower(context, scalar)
  if (whole !== undefined) return whole
  let operands = scalar.arguments.map((argument) => printScalar(context, argument))
  // A function of literals alone would be evaluated by the shader compiler, which refuses an overflow; names are not.
  if (scalar.arguments.every((a) => a.kind === 'number')) operands = operands.map((text) => declare(context, text))
  return functionPrinters[scalar.fn](operands, scalar.arguments.map(dtypeOf), context.shader.use)
}

const dtypeOf = ({ dtype }: Scalar): DType => dtype

/** x² to x⁴ and √x and their inverses without logarithms: faster, more accurate, and right for a negative x. */
function wholePower(context: Context, scalar: Extract<Scalar, { kind: 'apply' }>): string | undefined {
  const [base, exponent] = scalar.arguments
  if (scalar.fn !== 'pow' || exponent?.kind !== 'number') return undefined
  const size = Math.abs(exponent.value)
  if (size !== 0.5 && size !== 1 && size !== 2 && size !== 3 && size !== 4) return undefined
  const x = printNamed(context, base!)
  const square = size === 4 ? declare(context, `${x} * ${x}`) : ''
  const power =
    size === 0.5
      ? `sqrt(${x})`
      : size === 1
        ? x
        : size === 2
          ? `(${x} * ${x})`
          : size === 3
            ? `(${x} * ${x} * ${x})`
            : `(${square} * ${square})`
  return exponent.value < 0 ? `(1.0f / ${power})` : power
}

function printGuarded(context: Context, scalar: Extract<Scalar, { kind: 'guarded' }>): string {
  const { shader, block } = context
  const condition = scalar.guards.map((guard) => printGuard(context, guard))
  if (condition.length === 0) return printScalar(context, scalar.value)
  if (context.guards === 'free' && isSmall(scalar.value)) {
    const holds = declare(context, condition.join(' && '))
    const value = printScalar(context, scalar.value)
    return `select(${printScalar(context, scalar.otherwise)}, ${value}, ${holds})`
  }
  if (context.guards === 'select' && isSmall(scalar.value)) {
    const outer = nameOf(context, memory)
    const holds = declare(context, [...(outer ? [outer] : []), ...condition].join(' && '))
    const value = printScalar(guardLoads(context, block, holds), scalar.value)
    return `select(${printScalar(context, scalar.otherwise)}, ${value}, ${holds})`
  }
  const name = shader.fresh('v')
  block.line(`var ${name} = ${withoutParentheses(printScalar(context, scalar.otherwise))};`)
  block.nest(`if (${condition.join(' && ')})`, (inner) => {
    const value = printScalar(guardLoads(context, inner), scalar.value)
    inner.line(`${name} = ${withoutParentheses(value)};`)
  })
  return name
}

/** Whether evaluating it for nothing costs less than a branch. */
function isSmall(scalar: Scalar, budget = { left: 12 }): boolean {
  if (scalar.kind === 'reduce' || --budget.left < 0) return false
  return childrenOf(scalar).every((child) => !isScalar(child) || isSmall(child, budget))
}

const scalarKinds: ReadonlySet<string> = new Set<Scalar['kind']>([
  'number',
  'load',
  'apply',
  'position',
  'guarded',
  'reduce',
  'stage',
  'accumulator',
])
const isScalar = (item: ReturnType<typeof childrenOf>[number]): item is Scalar => scalarKinds.has(item.kind)

/** A loop inside one lane. */
function printReduce(context: Context, scalar: Extract<Scalar, { kind: 'reduce' }>): string {
  const { shader, block } = context
  const dtype = scalar.value.dtype
  const value = shader.fresh('r')
  block.line(`var ${value}: ${registerType(dtype)} = ${startOf(scalar.combine, dtype)};`)
  if (!isArg(scalar.combine)) {
    loops(context, scalar.axes, (inner) => {
      inner.block.line(
        `${value} = ${combined(scalar.combine, dtype, value, withoutParentheses(printScalar(inner, scalar.value)))};`,
      )
    })
    return value
  }
  const position = shader.fresh('r')
  const counter = shader.fresh('r')
  block.line(`var ${position} = 0i;`)
  block.line(`var ${counter} = 0i;`)
  const better = scalar.combine === 'argmax' ? '>' : '<'
  loops(context, scalar.axes, (inner) => {
    const candidate = printNamed(inner, scalar.value)
    inner.block.nest(`if (${candidate} ${better} ${value})`, (taken) => {
      taken.line(`${value} = ${candidate};`)
      taken.line(`${position} = ${counter};`)
    })
    inner.block.line(`${counter}++;`)
  })
  return position
}
