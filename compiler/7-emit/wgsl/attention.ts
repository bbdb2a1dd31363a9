/**
 * Attention kernels: `accumulator[outer, columns] = Σ_row weight · value`, with a score each weight times the exponential
 * of the score over a running maximum (online softmax): where a greater score comes, what was summed so far is scaled
 * down. Nothing of size outer × row is ever in memory.
 *
 * Here one lane has an outer index and its columns, or as many of them as its registers should hold, and runs once over
 * the row; in `attention-workgroup.ts` a workgroup has them.
 */
import type { Storage } from '../../../runtime/abi.ts'
import { ceilQuotient, dim } from '../../ir/dim.ts'
import type { AttentionKernel, Axis } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { emitAttentionByWorkgroup } from './attention-workgroup.ts'
import { startOf } from './combine.ts'
import { bind, type Context, flatSize, inside, loops, nameOf, opaque, rootContext, unflatten } from './context.ts'
import { accumulator } from './identity.ts'
import { forEachElement, groupsFor } from './map.ts'
import { withoutParentheses } from './print-index.ts'
import { printNamed } from './print-scalar.ts'
import type { AttentionSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'

type ByLane = Extract<AttentionSchedule, { by: 'lane' }>

export function emitAttention(
  kernel: AttentionKernel,
  storages: readonly Storage[],
  schedule: AttentionSchedule,
): EmittedKernel {
  return schedule.by === 'lane'
    ? emitByLane(kernel, storages, schedule)
    : emitAttentionByWorkgroup(kernel, storages, schedule)
}

export function countAttention(shader: Shader, kernel: AttentionKernel): void {
  for (const scalar of [kernel.score, kernel.weight, kernel.value]) if (scalar) shader.identities.count(scalar)
  countStores(shader, kernel.stores)
  countStores(shader, kernel.results)
}

/** `exp(to - from)` of scores: the bound keeps the argument finite where one of them is the lowest float. */
export const decay = (from: string, to: string): string => `exp(max(${to} - ${from}, -126.0f))`

function emitByLane(kernel: AttentionKernel, storages: readonly Storage[], schedule: ByLane): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  countAttention(shader, kernel)
  const size = elements(kernel.columns)
  const isWhole = size.constant !== undefined && size.constant <= schedule.width
  const width = isWhole ? Math.max(1, size.constant!) : schedule.width
  const part: Axis = { name: 'p', extent: isWhole ? dim(1) : ceilQuotient(size, dim(width)) }
  const lanes = [...kernel.outer, part]
  const root = rootContext(shader, schedule.guards)
  // Where columns are too many for registers, loops over them stay loops: unrolled by a driver, the loads of a score and of the
  // sums, each in the text as often as there are columns, took seconds to compile, and ran no faster.
  const kept = schedule.unrolled ? root : { ...root, unrolled: 0 }
  forEachElement(kept, lanes, schedule, (context) => {
    const columns: Columns = {
      kernel,
      part: isWhole ? undefined : nameOf(context, part)!,
      count: isWhole ? size.constant! : width,
      names: schedule.unrolled ? Array.from({ length: width }, () => shader.fresh('c')) : [],
      array: schedule.unrolled ? '' : shader.fresh('sums'),
    }
    for (const name of columns.names) context.block.line(`var ${name} = 0.0f;`)
    if (!schedule.unrolled) context.block.line(`var ${columns.array}: array<f32, ${width}>;`)
    const after = sumRow(context, kernel, columns)
    forEachColumn(after, columns, (at, sum) => writeStores(bind(at, [[accumulator, sum]]), kernel.stores))
    if (kernel.results.length === 0) return
    if (columns.part === undefined) writeStores(after, kernel.results)
    else context.block.nest(`if (${columns.part} == 0u)`, (first) => writeStores(inside(after, first), kernel.results))
  })
  const stage = shader.finish({
    name: kernel.name,
    comment: `attention: one lane an outer index and ${isWhole ? 'its columns' : `${width} columns`}, a loop over the row`,
    workgroup: [schedule.lanes, 1, 1],
    workgroups: groupsFor(elements(lanes), schedule),
  })
  return { stages: [stage], scratch: [] }
}

/** The loop over the row. The context returned knows the score's maximum and sum as stages 0 and 1. */
function sumRow(context: Context, kernel: AttentionKernel, columns: Columns): Context {
  const { shader, block } = context
  const [most, total] = [shader.fresh('m'), shader.fresh('l')]
  if (kernel.score) {
    block.line(`var ${most}: f32 = ${startOf('max', 'float')};`)
    block.line(`var ${total} = 0.0f;`)
  }
  loops(context, kernel.row, (row) => {
    const weight = kernel.score ? onlineWeight(row, kernel, columns, most, total) : printNamed(row, kernel.weight)
    forEachColumn(row, columns, (at, sum) => {
      const value = withoutParentheses(printNamed(at, kernel.value))
      at.block.line(`${sum} = fma(${weight}, ${value}, ${sum});`)
    })
  })
  if (!kernel.score) return context
  return bind(context, [
    [0, most],
    [1, total],
  ])
}

/** The weight of the row's current element against the running maximum, under a name. */
function onlineWeight(row: Context, kernel: AttentionKernel, columns: Columns, most: string, total: string): string {
  const { shader, block } = row
  const score = printNamed(row, kernel.score!)
  block.nest(`if (${score} > ${most})`, (greater) => {
    const factor = shader.fresh('v')
    greater.line(`let ${factor} = ${decay(score, most)};`)
    greater.line(`${most} = ${score};`)
    greater.line(`${total} *= ${factor};`)
    forEachSum(inside(row, greater), columns, (at, sum) => at.block.line(`${sum} *= ${factor};`))
  })
  const power = shader.fresh('v')
  block.line(`let ${power} = ${decay(most, score)};`)
  block.line(`${total} += ${power};`)
  if (kernel.weight.kind === 'number' && kernel.weight.value === 1) return power
  const weight = shader.fresh('v')
  const factor = printNamed(row, kernel.weight)
  block.line(`let ${weight} = ${power} * ${factor};`)
  return weight
}

/** The columns of one lane: their sums are named registers, or an array walked by a loop where they are many. */
interface Columns {
  readonly kernel: AttentionKernel
  /** Which part of the columns this lane has, where it has not all of them. */
  readonly part: string | undefined
  readonly count: number
  readonly names: readonly string[]
  readonly array: string
}

function forEachSum(context: Context, columns: Columns, fill: (at: Context, sum: string, j: string) => void): void {
  if (columns.array === '') {
    for (const [j, name] of columns.names.slice(0, columns.count).entries()) fill(context, name, `${j}u`)
    return
  }
  const j = context.shader.fresh('j')
  context.block.nest(`for (var ${j} = 0u; ${j} < ${opaque(context.shader, `${columns.count}u`)}; ${j}++)`, (loop) =>
    fill(inside(context, loop), `${columns.array}[${j}]`, j),
  )
}

/** As `forEachSum`, for columns that exist and with their axes bound. */
function forEachColumn(context: Context, columns: Columns, fill: (at: Context, sum: string) => void): void {
  const { kernel, part, count } = columns
  forEachSum(context, columns, (at, sum, j) => {
    if (part === undefined) {
      fill(bind(at, unflatten(at, kernel.columns, j)), sum)
      return
    }
    const flat = context.shader.fresh('k')
    at.block.line(`let ${flat} = ${part} * ${count}u + ${j};`)
    at.block.nest(`if (${flat} < ${flatSize(at, kernel.columns)})`, (block) => {
      const there = inside(at, block)
      fill(bind(there, unflatten(there, kernel.columns, flat)), sum)
    })
  })
}
