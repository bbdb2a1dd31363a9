/**
 * A scan by workgroup: a workgroup runs some rows through all turns; its lanes share each phase, neighbouring lanes at
 * neighbouring columns, and wait for one another after it. Carries, and what lives within a turn, are in workgroup memory
 * as far as that goes; a weight that a lane reads serves all rows of the workgroup.
 */
import { ceilQuotient, dim, multiply, product as productOf } from '../../ir/dim.ts'
import type { Axis, ScanKernel, ScanPhase } from '../../ir/kernel.ts'
import type { Block } from './block.ts'
import { bind, type Context, flatSize, guardLoads, inside, loops, opaque, unflatten } from './context.ts'
import { accumulator } from './identity.ts'
import { printNamed } from './print-scalar.ts'
import { accumulate, combineLanes, declareAccumulator, finished, levelsOf, sharedType } from './reduction.ts'
import { strided } from './row.ts'
import type { ScanRunner } from './scan.ts'
import { writeRow } from './scan-row.ts'
import type { ScanSchedule } from './schedule.ts'
import { elements } from './shader.ts'
import { writeStores } from './stores.ts'

type Workgroup = Extract<ScanSchedule, { by: 'workgroup' }>
type Phase<K extends ScanPhase['kind']> = Extract<ScanPhase, { kind: K }>

export function byWorkgroup(root: Context, kernel: ScanKernel, schedule: Workgroup, group: string): ScanRunner {
  const { shader } = root
  const lane = shader.builtin('lane')
  const rows = schedule.rows
  const size = shader.size(kernel.batch.extent)
  const firstRow = shader.fresh('row')
  shader.body.line(`let ${firstRow} = ${group} * ${rows}u;`)
  const kept = intoWorkgroupMemory(root, kernel, schedule, firstRow)

  /** Lanes over the flat index of rows and some axes; each that there is gets a block. */
  const spread = (context: Context, axes: readonly Axis[], fill: (inner: Context) => void): void => {
    const e = shader.fresh('e')
    const count = shader.size(multiply(dim(rows), elements(axes)))
    context.block.nest(
      `for (var ${e} = ${lane}; ${e} < ${opaque(shader, count)}; ${e} += ${schedule.lanes}u)`,
      (loop) => {
        const row = shader.fresh('row')
        const rest = shader.fresh('e')
        const each = shader.divisor(elements(axes))
        loop.line(`let ${row} = ${firstRow} + ${rows === 1 ? '0u' : `${e} / ${each}`};`)
        loop.line(`let ${rest} = ${rows === 1 ? e : `${e} % ${each}`};`)
        loop.nest(`if (${row} < ${size})`, (block) => {
          const here = guardLoads(bind(context, [[kernel.batch, row]], block), block)
          fill(bind(here, unflatten(here, axes, rest)))
        })
      },
    )
  }

  const product = (context: Context, phase: Phase<'contract'>): void => {
    const shared = !shader.identities.of(phase.right).free.has(kernel.batch)
    const outer = [...phase.batch, ...phase.rows]
    const columns = schedule.columns
    // Column j of a lane is j · (that many) further, so that at any time neighbouring lanes read neighbouring columns.
    const groups = ceilQuotient(elements(phase.columns), dim(columns))
    const e = shader.fresh('e')
    const count = shader.size(multiply(elements(outer), groups))
    context.block.nest(
      `for (var ${e} = ${lane}; ${e} < ${opaque(shader, count)}; ${e} += ${schedule.lanes}u)`,
      (block) => {
        const first = shader.fresh('c')
        block.line(`let ${first} = ${e} % ${shader.divisor(groups)};`)
        const rest = shader.fresh('e')
        block.line(`let ${rest} = ${e} / ${shader.divisor(groups)};`)
        const bare = inside(context, block)
        const here = guardLoads(bind(bare, unflatten(bare, outer, rest)), block)
        const limit = flatSize(here, phase.columns)
        const step = shader.size(groups)
        const columnAt = Array.from({ length: columns }, (_, j) => {
          const name = shader.fresh('i')
          block.line(`let ${name} = ${columns === 1 ? first : `min(${first} + ${j}u * ${step}, ${limit} - 1u)`};`)
          return bind(here, unflatten(here, phase.columns, name))
        })
        const rowAt = Array.from({ length: rows }, (_, i) => {
          const name = shader.fresh('row')
          block.line(`let ${name} = min(${firstRow} + ${i}u, ${size} - 1u);`)
          return bind(here, [[kernel.batch, name]])
        })
        const sums = rowAt.map(() => columnAt.map(() => shader.fresh('a')))
        for (const name of sums.flat()) block.line(`var ${name} = 0.0f;`)
        loops(here, phase.depth, (inner) => {
          const depth = inner.binders.slice(here.binders.length)
          const at = (place: Context): Context => ({ ...inner, binders: [...place.binders, ...depth] })
          const beside = (row: Context, column: Context): Context => ({
            ...column,
            binders: [...row.binders, ...column.binders.slice(here.binders.length)],
          })
          const right = (shared ? [here] : rowAt).map((row) =>
            columnAt.map((column) => printNamed(at(beside(row, column)), phase.right)),
          )
          rowAt.forEach((row, i) => {
            const left = printNamed(at(row), phase.left)
            sums[i]!.forEach((sum, j) => {
              inner.block.line(`${sum} = fma(${left}, ${right[shared ? 0 : i]![j]!}, ${sum});`)
            })
          })
        })
        const array = shader.fresh('sums')
        block.line(`var ${array} = array<f32, ${rows * columns}>(${sums.flat().join(', ')});`)
        const cell = shader.fresh('i')
        block.nest(`for (var ${cell} = 0u; ${cell} < ${opaque(shader, `${rows * columns}u`)}; ${cell}++)`, (loop) => {
          const row = shader.fresh('row')
          loop.line(`let ${row} = ${firstRow} + ${cell} / ${columns}u;`)
          const column = shader.fresh('c')
          loop.line(`let ${column} = ${first} + (${cell} % ${columns}u) * ${step};`)
          loop.nest(`if (${row} < ${size} && ${column} < ${limit})`, (taken) => {
            const sum = shader.fresh('v')
            taken.line(`let ${sum} = ${array}[${cell}];`)
            const place = guardLoads(
              bind(inside(here, taken), [
                [kernel.batch, row],
                [accumulator, sum],
              ]),
              taken,
            )
            writeStores(bind(place, unflatten(place, phase.columns, column)), phase.stores)
          })
        })
      },
    )
  }

  /** Few long rows: all lanes share each. */
  const together = (context: Context, phase: Phase<'row'>): void => {
    const o = shader.fresh('o')
    const each = shader.divisor(elements(phase.outer))
    const count = shader.size(multiply(dim(rows), elements(phase.outer)))
    context.block.nest(`for (var ${o} = 0u; ${o} < ${opaque(shader, count)}; ${o}++)`, (block) => {
      const row = shader.fresh('row')
      block.line(`let ${row} = ${firstRow} + ${o} / ${each};`)
      // A row beyond the end is reduced like the last one, for the barriers' sake, and not stored.
      const near = shader.fresh('row')
      block.line(`let ${near} = min(${row}, ${size} - 1u);`)
      const rest = shader.fresh('o')
      block.line(`let ${rest} = ${o} % ${each};`)
      const bound = bind(context, [[kernel.batch, near]], block)
      let here = guardLoads(bind(bound, unflatten(bound, phase.outer, rest)), block)
      for (const level of levelsOf(phase.stages)) {
        const accumulators = level.map((i) => {
          const { combine, value } = phase.stages[i]!
          return declareAccumulator(here, combine, value.dtype)
        })
        strided(here, phase.row, lane, schedule.lanes, (inner, flat) => {
          for (const [at, i] of level.entries()) accumulate(inner, accumulators[at]!, phase.stages[i]!.value, flat)
        })
        const totals = combineLanes(here, accumulators, schedule.lanes)
        // What the tree has in workgroup memory must be read by all before it is written again.
        block.line('workgroupBarrier();')
        here = bind(
          here,
          level.map((i, at) => [i, finished(totals[at]!)] as const),
        )
      }
      block.nest(`if (${row} < ${size})`, (stores) => {
        const last = guardLoads(inside(here, stores), stores)
        if (phase.stores.length > 0)
          strided(last, phase.row, lane, schedule.lanes, (inner) => writeStores(inner, phase.stores))
        if (phase.results.length > 0)
          stores.nest(`if (${lane} == 0u)`, (inner) =>
            writeStores(guardLoads(inside(last, inner), inner), phase.results),
          )
      })
    })
  }

  const run = (context: Context, phase: ScanPhase): void => {
    switch (phase.kind) {
      case 'map':
        spread(context, phase.axes, (inner) => writeStores(inner, phase.stores))
        break
      case 'row':
        if (isLong(phase)) together(context, phase)
        else spread(context, phase.outer, (inner) => writeRow(inner, phase))
        break
      case 'contract':
        product(context, phase)
        break
      default:
        phase satisfies never
    }
  }
  return {
    ...kept,
    phase: (context, phase) => {
      run(context, phase)
      wait(context.block)
    },
  }
}

function wait(block: Block): void {
  block.line('storageBarrier();')
  block.line('workgroupBarrier();')
}

/** Whether a row has work for all lanes of a workgroup. */
function isLong({ row, outer }: Phase<'row'>): boolean {
  const length = elements(row).constant
  const count = elements(outer).constant
  return length === undefined || (length > 32 && (count === undefined || count < length))
}

/** Gives slots places in workgroup memory, the carries first; what passes between dispatches is copied. */
function intoWorkgroupMemory(
  root: Context,
  kernel: ScanKernel,
  schedule: Workgroup,
  firstRow: string,
): Pick<ScanRunner, 'resume' | 'leave'> {
  const { shader } = root
  let left = schedule.memory
  const copies: { slot: number; last: boolean; array: string; base: string; size: number }[] = []
  const place = (slot: number) => {
    const { node } = kernel.slots[slot]!
    const size = productOf(kernel.batch.extent.constant === 1 ? node.shape : node.shape.slice(1)).constant
    if (size === undefined || size * schedule.rows * 4 > left || shader.storages[slot] === 'f16') return undefined
    left -= size * schedule.rows * 4
    const array = shader.workgroupArray(sharedType(node.dtype), Math.max(1, size * schedule.rows))
    const base = shader.fresh('base')
    shader.body.line(`let ${base} = ${firstRow} * ${size}u;`)
    shader.copy(slot, array, base)
    return { array, base, size }
  }
  for (const { slot, last } of kernel.carries) {
    const made = place(slot)
    if (made) copies.push({ slot, last, ...made })
  }
  for (const slot of kernel.temporaries) place(slot)
  const move = (block: Block, which: readonly (typeof copies)[number][], write: boolean) => {
    for (const copy of which) {
      const e = shader.fresh('e')
      const count = `min(${schedule.rows}u, ${shader.size(kernel.batch.extent)} - min(${firstRow}, ${shader.size(kernel.batch.extent)})) * ${copy.size}u`
      block.nest(
        `for (var ${e} = ${shader.builtin('lane')}; ${e} < ${opaque(shader, count)}; ${e} += ${schedule.lanes}u)`,
        (loop) => {
          const inner = `${copy.array}[${e}]`
          const outer = shader.bound(copy.slot, `${copy.base} + ${e}`)
          loop.line(write ? `${outer} = ${inner};` : `${inner} = ${outer};`)
        },
      )
    }
    if (which.length > 0) wait(block)
  }
  return {
    resume: (block) => move(block, copies, false),
    leave: (block, all) => move(block, all ? copies : copies.filter(({ last }) => last), true),
  }
}
