/**
 * The sums of a tile with both operands staged in workgroup memory, block by block of the depth: the workgroup's lanes
 * read a block of the left and of the right operand together, each element once, and then each lane multiplies its
 * rows and columns out of that memory. For GPUs, where storage is far and workgroup memory near.
 */

import { ceilQuotient, dim, multiply, product } from '../../ir/dim.ts'
import type { Axis, Scalar } from '../../ir/kernel.ts'
import { bind, type Context, inside, tripCount, unflatten } from './context.ts'
import { type Tile, tileColumns, tileRows } from './contract.ts'
import { childrenOf } from './identity.ts'
import { printNamed } from './print-scalar.ts'
import { elements } from './shader.ts'

export function accumulateWorkgroup(tile: Tile): string[][] {
  const { kernel, schedule, context, part } = tile
  const { shader, block } = context
  const lane = shader.builtin('lane')
  const left = shader.workgroupArray('f32', schedule.block * tileRows(schedule))
  const right = shader.workgroupArray('f32', schedule.block * tileColumns(schedule))
  const sums = Array.from({ length: schedule.rows }, () =>
    Array.from({ length: schedule.columns }, () => shader.fresh('c')),
  )
  for (const name of sums.flat()) block.line(`var ${name} = 0.0f;`)
  const inner = product(kernel.depth.slice(1).map((axis) => axis.extent))
  const first = part ? `${part.first} * ${shader.size(inner)}` : '0u'
  const end = shader.fresh('end')
  block.line(`let ${end} = ${part ? `${part.end} * ${shader.size(inner)}` : shader.size(elements(kernel.depth))};`)
  // Every workgroup runs the same number of rounds, so that the barriers are in uniform control flow.
  const range = part
    ? multiply(ceilQuotient(kernel.depth[0]!.extent, dim(schedule.split)), inner)
    : elements(kernel.depth)
  const rounds = tripCount(context, ceilQuotient(range, dim(schedule.block)))
  const round = shader.fresh('i')
  block.nest(`for (var ${round} = 0u; ${round} < ${rounds}; ${round}++)`, (loop) => {
    const here = inside(context, loop)
    const depth = shader.fresh('d')
    loop.line(`let ${depth} = ${first} + ${round} * ${schedule.block}u;`)
    stageOperand(tile, here, {
      array: left,
      width: tileRows(schedule),
      start: tile.row,
      axes: kernel.rows,
      value: kernel.left,
      depth,
      end,
    })
    stageOperand(tile, here, {
      array: right,
      width: tileColumns(schedule),
      start: tile.column,
      axes: kernel.columns,
      value: kernel.right,
      depth,
      end,
    })
    loop.line('workgroupBarrier();')
    const k = shader.fresh('i')
    loop.nest(`for (var ${k} = 0u; ${k} < ${schedule.block}u; ${k}++)`, (products) => {
      const rowBase = `${k} * ${tileRows(schedule)}u + (${lane} / ${schedule.lanes}u) * ${schedule.rows}u`
      const columnBase = `${k} * ${tileColumns(schedule)}u + ${lane} % ${schedule.lanes}u`
      const read = (array: string, index: string) => {
        const name = shader.fresh('v')
        products.line(`let ${name} = ${array}[${index}];`)
        return name
      }
      const a = sums.map((_, i) => read(left, `${rowBase} + ${i}u`))
      const b = sums[0]!.map((_, j) => read(right, `${columnBase} + ${j * schedule.lanes}u`))
      for (const [i, row] of sums.entries())
        for (const [j, sum] of row.entries()) products.line(`${sum} = fma(${a[i]}, ${b[j]}, ${sum});`)
    })
    loop.line('workgroupBarrier();')
  })
  return sums
}

interface Operand {
  readonly array: string
  /** Rows or columns of the tile, and the first of them. */
  readonly width: number
  readonly start: string
  readonly axes: readonly Axis[]
  readonly value: Scalar
  /** Text of the block's first depth index, and of the end of the range. */
  readonly depth: string
  readonly end: string
}

/** The lanes fill `array[depth][width]`; neighbouring lanes take what lies side by side in storage. Outside it is 0. */
function stageOperand(tile: Tile, context: Context, operand: Operand): void {
  const { schedule, kernel } = tile
  const { shader, block } = context
  const lanes = schedule.lanes * schedule.rowLanes
  const total = schedule.block * operand.width
  const cell = shader.fresh('e')
  block.nest(`for (var ${cell} = ${shader.builtin('lane')}; ${cell} < ${total}u; ${cell} += ${lanes}u)`, (loop) => {
    const alongDepth = isContiguous(operand.value, kernel.depth)
    const d = shader.fresh('d')
    const x = shader.fresh('x')
    loop.line(`let ${d} = ${alongDepth ? `${cell} % ${schedule.block}u` : `${cell} / ${operand.width}u`};`)
    loop.line(`let ${x} = ${alongDepth ? `${cell} / ${schedule.block}u` : `${cell} % ${operand.width}u`};`)
    const value = shader.fresh('v')
    loop.line(`var ${value} = 0.0f;`)
    const flat = shader.fresh('i')
    loop.line(`let ${flat} = ${operand.start} + ${x};`)
    const at = shader.fresh('i')
    loop.line(`let ${at} = ${operand.depth} + ${d};`)
    loop.nest(`if (${flat} < ${shader.size(elements(operand.axes))} && ${at} < ${operand.end})`, (inner) => {
      const here = inside(context, inner)
      const place = bind(here, [...unflatten(here, operand.axes, flat), ...unflatten(here, kernel.depth, at)])
      inner.line(`${value} = ${printNamed(place, operand.value)};`)
    })
    loop.line(`${operand.array}[${d} * ${operand.width}u + ${x}] = ${value};`)
  })
}

/** Whether some load steps by one element along the innermost of the axes. */
function isContiguous(value: Scalar, axes: readonly Axis[]): boolean {
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
