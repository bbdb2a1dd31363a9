/**
 * Attention by workgroups, for GPUs: the lanes of a workgroup share one outer index. For a block of the row as long as
 * there are lanes, each lane computes one score; together they find the block's maximum and leave the exponentials in
 * workgroup memory; then each lane adds the block to its columns, neighbouring lanes reading neighbouring columns.
 */
import type { Storage } from '../../../runtime/abi.ts'
import { ceilQuotient, dim, one } from '../../ir/dim.ts'
import type { AttentionKernel } from '../../ir/kernel.ts'
import type { EmittedKernel } from '../../lowered.ts'
import { countAttention, decay } from './attention.ts'
import { startOf } from './combine.ts'
import { bind, type Context, flatSize, groupNumber, inside, rootContext, tripCount, unflatten } from './context.ts'
import { accumulator } from './identity.ts'
import { printNamed } from './print-scalar.ts'
import { type Accumulator, combineLanes } from './reduction.ts'
import type { AttentionSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { writeStores } from './stores.ts'

type ByWorkgroup = Extract<AttentionSchedule, { by: 'workgroup' }>

export function emitAttentionByWorkgroup(
  kernel: AttentionKernel,
  storages: readonly Storage[],
  schedule: ByWorkgroup,
): EmittedKernel {
  const shader = new Shader(kernel.slots, storages)
  countAttention(shader, kernel)
  const size = elements(kernel.columns).constant
  if (size === undefined) throw new Error('a workgroup holds a fixed number of columns')
  const root = rootContext(shader, schedule.guards)
  const group = groupNumber(root)
  shader.body.nest(`if (${group} < ${flatSize(root, kernel.outer)})`, (block) => {
    const here = inside(root, block)
    walkRow(bind(here, unflatten(here, kernel.outer, group)), kernel, schedule, size)
  })
  const stage = shader.finish({
    name: kernel.name,
    comment: 'attention: one workgroup an outer index, its lanes taking the row in blocks and then the columns',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [elements(kernel.outer), one, one],
  })
  return { stages: [stage], scratch: [] }
}

function walkRow(context: Context, kernel: AttentionKernel, { lanes }: ByWorkgroup, size: number): void {
  const { shader, block } = context
  const lane = shader.builtin('lane')
  const weights = shader.workgroupArray('f32', lanes)
  const declare = (prefix: string, start: string) => {
    const name = shader.fresh(prefix)
    block.line(`var ${name}: f32 = ${start};`)
    return name
  }
  const most = declare('m', startOf('max', 'float'))
  const total = declare('l', '0.0f')
  const sums = Array.from({ length: Math.max(1, Math.ceil(size / lanes)) }, () => declare('c', '0.0f'))
  const rows = flatSize(context, kernel.row)
  const round = shader.fresh('i')
  const rounds = tripCount(context, ceilQuotient(elements(kernel.row), dim(lanes)))
  block.nest(`for (var ${round} = 0u; ${round} < ${rounds}; ${round}++)`, (loop) => {
    const inLoop = inside(context, loop)
    const row = shader.fresh('e')
    loop.line(`let ${row} = ${round} * ${lanes}u + ${lane};`)
    const weight = shader.fresh('w')
    loop.line(`var ${weight}: f32 = 0.0f;`)
    if (kernel.score) {
      const score = shader.fresh('s')
      loop.line(`var ${score}: f32 = ${startOf('max', 'float')};`)
      onRow(inLoop, kernel, row, rows, (at) => at.block.line(`${score} = ${printNamed(at, kernel.score!)};`))
      const own: Accumulator = { combine: 'max', dtype: 'float', value: score, position: undefined }
      const [best] = combineLanes(inLoop, [own], lanes)
      const now = shader.fresh('m')
      loop.line(`let ${now} = max(${most}, ${best!.value});`)
      const factor = shader.fresh('v')
      loop.line(`let ${factor} = ${decay(now, most)};`)
      loop.line(`${most} = ${now};`)
      loop.line(`${total} *= ${factor};`)
      for (const sum of sums) loop.line(`${sum} *= ${factor};`)
      onRow(inLoop, kernel, row, rows, (at) => {
        const power = shader.fresh('v')
        at.block.line(`let ${power} = ${decay(now, score)};`)
        at.block.line(`${total} += ${power};`)
        at.block.line(`${weight} = ${power} * ${printNamed(at, kernel.weight)};`)
      })
    } else onRow(inLoop, kernel, row, rows, (at) => at.block.line(`${weight} = ${printNamed(at, kernel.weight)};`))
    loop.line(`${weights}[${lane}] = ${weight};`)
    loop.line('workgroupBarrier();')
    addBlock(inLoop, kernel, { lanes, size, sums, weights, first: `${round} * ${lanes}u`, rows })
    loop.line('workgroupBarrier();')
  })
  finish(context, kernel, { lanes, size, sums, most, total })
}

/** A block where the row's axes are bound to a lane's element, if it has one. */
function onRow(
  context: Context,
  kernel: AttentionKernel,
  row: string,
  rows: string,
  fill: (at: Context) => void,
): void {
  context.block.nest(`if (${row} < ${rows})`, (block) => {
    const here = inside(context, block)
    fill(bind(here, unflatten(here, kernel.row, row)))
  })
}

interface Block {
  readonly lanes: number
  readonly size: number
  readonly sums: readonly string[]
  readonly weights: string
  readonly first: string
  readonly rows: string
}

/** Adds the block's elements to this lane's columns. */
function addBlock(context: Context, kernel: AttentionKernel, { lanes, size, sums, weights, first, rows }: Block): void {
  const { shader, block } = context
  const lane = shader.builtin('lane')
  const count = shader.fresh('n')
  block.line(`let ${count} = min(${lanes}u, ${rows} - ${first});`)
  const i = shader.fresh('i')
  block.nest(`for (var ${i} = 0u; ${i} < ${count}; ${i}++)`, (loop) => {
    const inLoop = inside(context, loop)
    const weight = shader.fresh('w')
    loop.line(`let ${weight} = ${weights}[${i}];`)
    const row = shader.fresh('e')
    loop.line(`let ${row} = ${first} + ${i};`)
    const onElement = bind(inLoop, unflatten(inLoop, kernel.row, row))
    for (const [j, sum] of sums.entries())
      onColumn(onElement, kernel, `${lane} + ${j * lanes}u`, (j + 1) * lanes <= size ? undefined : `${size}u`, (at) =>
        at.block.line(`${sum} = fma(${weight}, ${printNamed(at, kernel.value)}, ${sum});`),
      )
  })
}

function onColumn(
  context: Context,
  kernel: AttentionKernel,
  flat: string,
  limit: string | undefined,
  fill: (at: Context) => void,
): void {
  const column = context.shader.fresh('k')
  context.block.line(`let ${column} = ${flat};`)
  context.block.nest(limit === undefined ? '' : `if (${column} < ${limit})`, (block) => {
    const here = inside(context, block)
    fill(bind(here, unflatten(here, kernel.columns, column)))
  })
}

interface Totals {
  readonly lanes: number
  readonly size: number
  readonly sums: readonly string[]
  readonly most: string
  readonly total: string
}

function finish(context: Context, kernel: AttentionKernel, { lanes, size, sums, most, total }: Totals): void {
  const { shader, block } = context
  const lane = shader.builtin('lane')
  let after = context
  if (kernel.score) {
    // Every lane knows the maximum, and each has the sum of its own elements of the row.
    const own: Accumulator = { combine: 'sum', dtype: 'float', value: total, position: undefined }
    const [sum] = combineLanes(context, [own], lanes)
    after = bind(context, [
      [0, most],
      [1, sum!.value],
    ])
  }
  if (kernel.stores.length > 0)
    for (const [j, sum] of sums.entries())
      onColumn(after, kernel, `${lane} + ${j * lanes}u`, (j + 1) * lanes <= size ? undefined : `${size}u`, (at) =>
        writeStores(bind(at, [[accumulator, sum]]), kernel.stores),
      )
  if (kernel.results.length > 0)
    block.nest(`if (${lane} == 0u)`, (first) => writeStores(inside(after, first), kernel.results))
}
