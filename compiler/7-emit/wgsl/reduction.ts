/**
 * The pieces of reductions over several lanes: accumulators in registers, and trees over workgroup memory. The order of
 * combination depends on the schedule alone, never on timing, so that equal inputs give equal bits.
 */
import type { DType } from '../../ir/graph.ts'
import type { Index, RowKernel, Scalar } from '../../ir/kernel.ts'
import type { Combine } from '../../ops/op.ts'
import { combined, isArg, noPosition, registerType, replaces, startOf } from './combine.ts'
import type { Context } from './context.ts'
import { childrenOf } from './identity.ts'
import { withoutParentheses } from './print-index.ts'
import { printNamed, printScalar } from './print-scalar.ts'

export type Stage = RowKernel['stages'][number]

/** A value under accumulation; arg-reductions carry the position of the best value. */
export interface Accumulator {
  readonly combine: Combine
  /** The dtype of the values compared or added. */
  readonly dtype: DType
  readonly value: string
  readonly position: string | undefined
}

export function declareAccumulator(context: Context, combine: Combine, dtype: DType): Accumulator {
  const { shader, block } = context
  const value = shader.fresh('a')
  block.line(`var ${value}: ${registerType(dtype)} = ${startOf(combine, dtype)};`)
  if (!isArg(combine)) return { combine, dtype, value, position: undefined }
  const position = shader.fresh('p')
  block.line(`var ${position} = ${noPosition};`)
  return { combine, dtype, value, position }
}

/** Takes one element in; `position` is its flat index as u32 text. */
export function accumulate(context: Context, into: Accumulator, value: Scalar, position: string): void {
  if (into.position === undefined) {
    const text = withoutParentheses(printScalar(context, value))
    context.block.line(`${into.value} = ${combined(into.combine, into.dtype, into.value, text)};`)
    return
  }
  const candidate = printNamed(context, value)
  take(context, into, candidate, position)
}

/** Takes in another accumulator's content. */
export function merge(
  context: Context,
  into: { readonly value: string; readonly position: string | undefined },
  kind: Accumulator,
  value: string,
  position: string,
): void {
  if (into.position === undefined)
    context.block.line(`${into.value} = ${combined(kind.combine, kind.dtype, into.value, value)};`)
  else take(context, { ...kind, value: into.value, position: into.position }, value, position)
}

function take(context: Context, into: Accumulator, value: string, position: string): void {
  const better = replaces(into.combine, { value: into.value, position: into.position! }, { value, position })
  context.block.nest(`if (${better})`, (inner) => {
    inner.line(`${into.value} = ${value};`)
    inner.line(`${into.position} = ${position};`)
  })
}

/** The finished value as text: the position as an int for arg-reductions (0 where there was no element). */
export function finished(a: { readonly value: string; readonly position: string | undefined }): string {
  if (a.position === undefined) return a.value
  return `i32(select(${a.position}, 0u, ${a.position} == ${noPosition}))`
}

/** Combines the accumulators of a workgroup's lanes, a power of two; every lane then has the result under the names returned. */
export function combineLanes(
  context: Context,
  accumulators: readonly Accumulator[],
  lanes: number,
): { value: string; position: string | undefined }[] {
  const { shader, block } = context
  const lane = shader.builtin('lane')
  const arrays = accumulators.map((a) => ({
    value: shader.workgroupArray(sharedType(a.dtype), lanes),
    position: a.position === undefined ? undefined : shader.workgroupArray('u32', lanes),
  }))
  const at = (array: string, i: string) => `${array}[${i}]`
  accumulators.forEach((a, i) => {
    block.line(`${at(arrays[i]!.value, lane)} = ${toShared(a.dtype, a.value)};`)
    if (a.position !== undefined) block.line(`${at(arrays[i]!.position!, lane)} = ${a.position};`)
  })
  block.line('workgroupBarrier();')
  const half = shader.fresh('h')
  block.nest(`for (var ${half} = ${lanes / 2}u; ${half} > 0u; ${half} >>= 1u)`, (loop) => {
    loop.nest(`if (${lane} < ${half})`, (inner) => {
      accumulators.forEach((a, i) => {
        const array = arrays[i]!
        const mine = { value: at(array.value, lane), position: array.position && at(array.position, lane) }
        const other = {
          value: at(array.value, `${lane} + ${half}`),
          position: array.position && at(array.position, `${lane} + ${half}`),
        }
        const kind: Accumulator = { ...a, dtype: a.dtype === 'bool' ? 'uint' : a.dtype, combine: boolAsUint(a) }
        merge({ ...context, block: inner }, mine, kind, other.value, other.position ?? '')
      })
    })
    loop.line('workgroupBarrier();')
  })
  return accumulators.map((a, i) => {
    const value = shader.fresh('a')
    block.line(`let ${value} = ${fromShared(a.dtype, at(arrays[i]!.value, '0u'))};`)
    if (a.position === undefined) return { value, position: undefined }
    const position = shader.fresh('p')
    block.line(`let ${position} = ${at(arrays[i]!.position!, '0u')};`)
    return { value, position }
  })
}

/** Bools are held as u32 in shared memory: or is their maximum, and their minimum. */
const boolAsUint = (a: Accumulator): Combine => (a.dtype === 'bool' && a.combine === 'sum' ? 'max' : a.combine)
export const sharedType = (dtype: DType): 'f32' | 'i32' | 'u32' =>
  dtype === 'float' ? 'f32' : dtype === 'int' ? 'i32' : 'u32'
export const toShared = (dtype: DType, value: string): string => (dtype === 'bool' ? `select(0u, 1u, ${value})` : value)
export const fromShared = (dtype: DType, value: string): string => (dtype === 'bool' ? `${value} != 0u` : value)

/** Stages by level: those of one level use only results of earlier levels, so one pass over the row serves them all. */
export function levelsOf(stages: readonly Stage[]): number[][] {
  const level: number[] = []
  const levels: number[][] = []
  stages.forEach(({ value }, i) => {
    const after = Math.max(-1, ...stagesIn(value).map((s) => level[s]!))
    level.push(after + 1)
    levels[after + 1] ??= []
    levels[after + 1]!.push(i)
  })
  return levels
}

/** The stages that an expression reads. */
export function stagesIn(root: Scalar | Index): number[] {
  const seen = new Set<object>()
  const found = new Set<number>()
  const visit = (item: ReturnType<typeof childrenOf>[number]) => {
    if (seen.has(item)) return
    seen.add(item)
    if (item.kind === 'stage') found.add(item.stage)
    for (const child of childrenOf(item)) visit(child)
  }
  visit(root)
  return [...found]
}
