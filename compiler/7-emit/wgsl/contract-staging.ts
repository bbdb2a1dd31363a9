/**
 * A block of an operand in workgroup memory: the workgroup's lanes read it together, each element once, and fill up with
 * zeros what lies outside of the operand.
 */
import { ceilQuotient, type Dim, dim, multiply, product } from '../../ir/dim.ts'
import type { Axis, ContractKernel, Scalar } from '../../ir/kernel.ts'
import { bind, type Context, tripCount, unflatten } from './context.ts'
import { partExtent, type TilePlace, type TileShape } from './contract-tiles.ts'
import { childrenOf } from './identity.ts'
import { printNamed } from './print-scalar.ts'
import { elements } from './shader.ts'
import { vectorWidth } from './vector.ts'

export interface StagedOperand {
  readonly array: string
  readonly value: Scalar
  readonly axes: readonly Axis[]
  /** Rows or columns of the block, and the first of them. */
  readonly width: number
  readonly start: string
  /** Where an element is in the array, by its depth in the block and its row or column in it. */
  readonly place: (depth: string, x: string) => string
  /** What of it is kept. */
  readonly kept?: (value: string) => string
  /** Four neighbours at a time, along the depth or along rows or columns: the value at each. */
  readonly fours?: readonly Scalar[]
}

export interface StagedBlock {
  readonly depthAxes: readonly Axis[]
  /** Indices of the depth in a block; text of the first, and of the end of the range. */
  readonly deep: number
  readonly depth: string
  readonly end: string
  /** Lanes of the workgroup. */
  readonly lanes: number
}

export function stageOperand(context: Context, staged: StagedBlock, operand: StagedOperand): void {
  const { shader, block } = context
  const { deep, lanes, depthAxes } = staged
  const values = operand.fours ?? [operand.value]
  const total = (deep * operand.width) / values.length
  const cell = shader.fresh('e')
  block.nest(`for (var ${cell} = ${shader.builtin('lane')}; ${cell} < ${total}u; ${cell} += ${lanes}u)`, (loop) => {
    const alongDepth = isContiguous(operand.value, depthAxes)
    const d = shader.fresh('d')
    const x = shader.fresh('x')
    const fast = (alongDepth ? deep : operand.width) / values.length
    const [quick, slow] = alongDepth ? [d, x] : [x, d]
    const step = values.length === 1 ? '' : ` * ${vectorWidth}u`
    const text = new Map([
      [quick, step === '' ? `${cell} % ${fast}u` : `(${cell} % ${fast}u)${step}`],
      [slow, `${cell} / ${fast}u`],
    ])
    for (const name of [d, x]) loop.line(`let ${name} = ${text.get(name)};`)
    const names = values.map(() => shader.fresh('v'))
    for (const name of names) loop.line(`var ${name} = 0.0f;`)
    const flat = shader.fresh('i')
    loop.line(`let ${flat} = ${operand.start} + ${x};`)
    const at = shader.fresh('i')
    loop.line(`let ${at} = ${staged.depth} + ${d};`)
    loop.nest(`if (${flat} < ${shader.size(elements(operand.axes))} && ${at} < ${staged.end})`, (inner) => {
      const here = { ...context, block: inner }
      const place = bind(here, [...unflatten(here, operand.axes, flat), ...unflatten(here, depthAxes, at)])
      for (const [i, value] of values.entries()) inner.line(`${names[i]} = ${printNamed(place, value)};`)
    })
    for (const [i, name] of names.entries()) {
      const by = i === 0 ? '' : ` + ${i}u`
      const cellText = alongDepth ? operand.place(`${d}${by}`, x) : operand.place(d, `${x}${by}`)
      loop.line(`${operand.array}[${cellText}] = ${operand.kept?.(name) ?? name};`)
    }
  })
}

/**
 * The rounds of a workgroup over its part of the depth, a block each. Every workgroup runs the same number of them, so that
 * barriers are in uniform control flow.
 */
export function depthRounds(
  context: Context,
  kernel: ContractKernel,
  { part }: Pick<TilePlace, 'part'>,
  { split, turn, deep }: Pick<TileShape, 'split' | 'turn'> & { readonly deep: number },
  fill: (inner: Context, depth: string, end: string) => void,
): void {
  const { shader, block } = context
  const inner = product(kernel.depth.slice(1).map((axis) => axis.extent))
  const first = part ? `${part.first} * ${shader.size(inner)}` : '0u'
  const end = shader.fresh('end')
  block.line(`let ${end} = ${part ? `${part.end} * ${shader.size(inner)}` : shader.size(elements(kernel.depth))};`)
  const range: Dim = part ? multiply(partExtent(kernel, { split, turn }), inner) : elements(kernel.depth)
  const rounds = tripCount(context, ceilQuotient(range, dim(deep)))
  const round = shader.fresh('i')
  block.nest(`for (var ${round} = 0u; ${round} < ${rounds}; ${round}++)`, (loop) => {
    const depth = shader.fresh('d')
    loop.line(`let ${depth} = ${first} + ${round} * ${deep}u;`)
    fill({ ...context, block: loop }, depth, end)
  })
}

/** Whether some load steps by one element along the innermost of the axes. */
export function isContiguous(value: Scalar, axes: readonly Axis[]): boolean {
  const innermost = axes.findLast((axis) => axis.extent.constant !== 1)
  const visit = (item: ReturnType<typeof childrenOf>[number]): boolean => {
    if (item.kind !== 'load') return childrenOf(item).some(visit)
    const { index } = item
    if (index.kind === 'axis') return index.axis === innermost
    return (
      index.kind === 'sum' &&
      index.terms.some((t) => t.factor.constant === 1 && t.index.kind === 'axis' && t.index.axis === innermost)
    )
  }
  return innermost !== undefined && visit(value)
}
