/**
 * Index expressions in WGSL: u32 arithmetic modulo 2³². Sums may pass through negative numbers on the way (padding) and
 * come back; a guard's `index < size` refuses negative indices as well, since they wrap to the upper half. Only
 * division needs care, see `printDivision`. The plan has checked that every true index is below 2³¹.
 */
import { add, type Dim, dim, floorQuotient, multiply, symbol, zero } from '../../ir/dim.ts'
import type { Guard, Index } from '../../ir/kernel.ts'
import type { Block } from './block.ts'
import { type Context, inside, nameOf, placeOf } from './context.ts'
import { printScalar } from './print-scalar.ts'

export function printIndex(context: Context, index: Index): string {
  switch (index.kind) {
    case 'dim':
      return signedSize(context, index.dim)
    case 'axis': {
      const name = nameOf(context, index.axis)
      if (name === undefined) throw new Error(`the axis ${index.axis.name} is not bound here`)
      return name
    }
    case 'sum':
    case 'quotient':
    case 'remainder':
    case 'data':
      return compute(context, index)
    default:
      return index satisfies never
  }
}

type Computed = Extract<Index, { kind: 'sum' | 'quotient' | 'remainder' | 'data' }>

/** Computes an index in the outermost block that knows its axes, or finds it there; inline where it is used once. */
function compute(context: Context, index: Computed): string {
  const { shader } = context
  const identity = shader.identities.of(index)
  const { block, key } = placeOf(context, identity)
  const known = block.known.get(key)
  if (known !== undefined) return known
  const here = inside(context, block)
  const text =
    index.kind === 'sum'
      ? printSum(here, index)
      : index.kind === 'data'
        ? printData(here, index)
        : printDivision(here, index)
  if (block === context.block && shader.identities.uses(identity) <= 1) return text
  if (/^[a-z0-9]+$/.test(text)) return text
  const name = shader.fresh('k')
  block.line(`let ${name} = ${withoutParentheses(text)};`)
  block.known.set(key, name)
  return name
}

/** Terms are summed from the outermost block in, so that each partial sum is computed where its loops begin. */
function printSum(context: Context, sum: Extract<Index, { kind: 'sum' }>): string {
  const levels = new Map<Block, { text: string; negative: boolean }[]>()
  for (const { factor, index } of sum.terms) {
    const { block } = placeOf(context, context.shader.identities.of(index))
    const term = printTerm(context, factor, index)
    if (term.text === '0u') continue
    const known = levels.get(block)
    if (known) known.push(term)
    else levels.set(block, [term])
  }
  const blocks = outermostFirst(levels)
  let text = ''
  blocks.forEach((block, i) => {
    const terms = levels.get(block)!
    for (const term of terms) if (!term.negative) text = join(text, term)
    for (const term of terms) if (term.negative) text = join(text, term)
    const last = i === blocks.length - 1
    if (last || /^[a-z0-9]+$/.test(text)) return
    // A partial sum is named where it is complete; equal ones of other expressions are found again.
    const known = block.known.get(`sum ${text}`)
    const name = known ?? context.shader.fresh('k')
    if (known === undefined) {
      block.line(`let ${name} = ${text};`)
      block.known.set(`sum ${text}`, name)
    }
    text = name
  })
  for (const term of offsetTerms(context, sum.offset)) text = join(text, term)
  return text === '' ? '0u' : /^[a-z0-9]+$/.test(text) ? text : `(${text})`
}

/** The few blocks that terms belong to, each put in its place. */
export function outermostFirst<B extends { readonly depth: number }>(levels: ReadonlyMap<B, unknown>): B[] {
  const blocks: B[] = []
  for (const block of levels.keys()) {
    let at = blocks.length
    while (at > 0 && blocks[at - 1]!.depth > block.depth) at -= 1
    if (at === blocks.length) blocks.push(block)
    else blocks.splice(at, 0, block)
  }
  return blocks
}

function join(text: string, term: { text: string; negative: boolean }): string {
  if (text === '') return term.negative ? `0u - ${term.text}` : term.text
  return `${text} ${term.negative ? '-' : '+'} ${term.text}`
}

function printTerm(context: Context, factor: Dim, index: Index): { text: string; negative: boolean } {
  const text = printIndex(context, index)
  if (text === '0u') return { text, negative: false }
  if (factor.constant !== undefined) {
    const size = Math.abs(factor.constant)
    return { text: size === 1 ? text : `${text} * ${size}u`, negative: factor.constant < 0 }
  }
  return { text: `${text} * ${signedSize(context, factor)}`, negative: false }
}

function offsetTerms(context: Context, offset: Dim): { text: string; negative: boolean }[] {
  if (offset.constant === 0) return []
  const { positive, negative } = signs(offset)
  const terms: { text: string; negative: boolean }[] = []
  if (positive.constant !== 0) terms.push({ text: context.shader.size(positive), negative: false })
  if (negative.constant !== 0) terms.push({ text: context.shader.size(negative), negative: true })
  return terms
}

/** A dim of either sign: overridable constants are unsigned, so a difference is one of two of them. */
function signedSize(context: Context, d: Dim): string {
  const { positive, negative } = signs(d)
  if (negative.constant === 0) return context.shader.size(positive)
  return `(${context.shader.size(positive)} - ${context.shader.size(negative)})`
}

function signs(d: Dim): { positive: Dim; negative: Dim } {
  let positive = zero
  let negative = zero
  for (const term of d.terms) {
    const atoms = term.atoms.map((a) =>
      a.kind === 'symbol' ? symbol(a.name) : floorQuotient(a.numerator, a.denominator),
    )
    const size = multiply(dim(Math.abs(term.coefficient)), ...atoms)
    if (term.coefficient > 0) positive = add(positive, size)
    else negative = add(negative, size)
  }
  return { positive, negative }
}

function printData(context: Context, index: Extract<Index, { kind: 'data' }>): string {
  const value = printScalar(context, index.value)
  return index.value.dtype === 'uint' ? value : `u32(${value})`
}

/**
 * A quotient or remainder of an index that cannot be negative is plain. One that can be is shifted by a multiple of the
 * divisor first, where its least value is known; otherwise it is divided as a signed number, rounding down.
 */
function printDivision(context: Context, item: Extract<Index, { kind: 'quotient' | 'remainder' }>): string {
  const index = printIndex(context, item.index)
  const by = context.shader.divisor(item.by)
  const operator = item.kind === 'quotient' ? '/' : '%'
  const least = leastValue(item.index)
  if (least >= 0) return `(${index} ${operator} ${by})`
  const shift = shiftFor(least, item.by)
  if (shift !== undefined) {
    const shifted = `(${index} + ${shift * item.by.constant!}u) ${operator} ${by}`
    return item.kind === 'quotient' ? `(${shifted} - ${shift}u)` : `(${shifted})`
  }
  const helper = context.shader.helper(item.kind === 'quotient' ? 'floor_div' : 'floor_mod')
  return `u32(${helper}(i32(${index}), i32(${by})))`
}

/** How many times the divisor must be added so that nothing is negative, if both are known numbers. */
function shiftFor(least: number, by: Dim): number | undefined {
  if (by.constant === undefined || !Number.isFinite(least)) return undefined
  return Math.ceil(-least / by.constant)
}

/** A condition, as text of type bool. */
export function printGuard(context: Context, guard: Guard): string {
  const index = printIndex(context, guard.index)
  if (guard.kind === 'inside') return `${index} < ${context.shader.size(guard.size)}`
  const by = context.shader.divisor(guard.by)
  const least = leastValue(guard.index)
  if (least >= 0) return `${index} % ${by} == 0u`
  const shift = shiftFor(least, guard.by)
  if (shift !== undefined) return `(${index} + ${shift * guard.by.constant!}u) % ${by} == 0u`
  return `i32(${index}) % i32(${by}) == 0i`
}

/** A lower bound of an index, minus infinity where none is known. Dims are never negative. */
export function leastValue(index: Index): number {
  switch (index.kind) {
    case 'dim':
      return leastDim(index.dim)
    case 'axis':
    case 'data':
    case 'remainder':
      return 0
    case 'quotient': {
      const least = leastValue(index.index)
      return least >= 0 ? 0 : index.by.constant === undefined ? least : Math.floor(least / index.by.constant)
    }
    case 'sum': {
      let sum = leastDim(index.offset)
      for (const { factor, index: term } of index.terms) sum += leastProduct(factor, term)
      return sum
    }
    default:
      return index satisfies never
  }
}

function leastProduct(factor: Dim, index: Index): number {
  const { negative } = signs(factor)
  const least = leastValue(index)
  if (negative === zero)
    return least >= 0 ? 0 : factor.constant === undefined ? Number.NEGATIVE_INFINITY : least * factor.constant
  if (factor.constant === undefined) return Number.NEGATIVE_INFINITY
  return factor.constant * greatestValue(index)
}

function greatestValue(index: Index): number {
  if (index.kind === 'dim') return index.dim.constant ?? Number.POSITIVE_INFINITY
  if (index.kind === 'axis') return (index.axis.extent.constant ?? Number.POSITIVE_INFINITY) - 1
  if (index.kind === 'data') return (index.size.constant ?? Number.POSITIVE_INFINITY) - 1
  if (index.kind === 'remainder') return (index.by.constant ?? Number.POSITIVE_INFINITY) - 1
  return Number.POSITIVE_INFINITY
}

/** The constant part of a size whose other terms only add to it. */
function leastDim(d: Dim): number {
  const { negative } = signs(d)
  if (d.constant !== undefined) return d.constant
  return negative === zero ? 0 : Number.NEGATIVE_INFINITY
}

export function withoutParentheses(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')') depth--
    if (depth === 0 && i < text.length - 1) return text
  }
  return text.slice(1, -1)
}
