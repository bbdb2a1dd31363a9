/**
 * A scan by lane: a lane runs its rows through all turns by itself. Nothing passes between lanes through memory, so there
 * is no barrier, which software adapters pay dearly for: around one they keep every variable in memory.
 *
 * In a product the rows are in the lanes. Each lane of a subgroup reads some columns of the right operand, and all get
 * each of them by broadcast, so that a column that is read serves every row of the subgroup.
 */
import { ceilQuotient, type Dim, dim } from '../../ir/dim.ts'
import type { Axis, ScanKernel, ScanPhase } from '../../ir/kernel.ts'
import { bind, type Context, flatLoop, flatSize, guardLoads, inside, loops, opaque, unflatten } from './context.ts'
import { accumulator } from './identity.ts'
import { printNamed } from './print-scalar.ts'
import type { ScanRunner } from './scan.ts'
import { writeRow } from './scan-row.ts'
import type { ScanSchedule } from './schedule.ts'
import { elements } from './shader.ts'
import { writeStores } from './stores.ts'

type Lane = Extract<ScanSchedule, { by: 'lane' }>
type Contract = Extract<ScanPhase, { kind: 'contract' }>

export function byLane(root: Context, kernel: ScanKernel, schedule: Lane, group: string): ScanRunner {
  const { shader } = root
  if (schedule.subgroup > 0) shader.need('subgroups')
  const lane = shader.builtin(schedule.subgroup > 0 ? 'sublane' : 'lane')
  const size = shader.size(kernel.batch.extent)
  const rowText = (i: string) => `${group} * ${schedule.rows * schedule.lanes}u + ${i} * ${schedule.lanes}u + ${lane}`
  /** Rows for what is only read: past the end, the last one again. */
  const places = Array.from({ length: schedule.rows }, (_, i) => {
    const name = shader.fresh('row')
    shader.body.line(`let ${name} = min(${rowText(`${i}u`)}, ${size} - 1u);`)
    return name
  })

  /** For each row of the lane that there is. */
  const eachRow = (context: Context, fill: (inner: Context, i: string) => void): void => {
    const i = shader.fresh('i')
    context.block.nest(`for (var ${i} = 0u; ${i} < ${opaque(shader, `${schedule.rows}u`)}; ${i}++)`, (loop) => {
      const row = shader.fresh('row')
      loop.line(`let ${row} = ${rowText(i)};`)
      loop.nest(`if (${row} < ${size})`, (block) =>
        fill(guardLoads(bind(context, [[kernel.batch, row]], block), block), i),
      )
    })
  }

  const product = (context: Context, phase: Contract): void => {
    const shared = schedule.subgroup > 0 && !shader.identities.of(phase.right).free.has(kernel.batch)
    const lanes = shared ? schedule.subgroup : 1
    const columns = columnsAtOnce(phase.columns, schedule.columns, lanes)
    const width = columns * lanes
    loops(context, [...phase.batch, ...phase.rows], (outer) => {
      const tile = shader.fresh('tile')
      const tiles = shader.size(ceilQuotient(elements(phase.columns), dim(width)))
      outer.block.nest(`for (var ${tile} = 0u; ${tile} < ${opaque(shader, tiles)}; ${tile}++)`, (block) => {
        const here = guardLoads(inside(outer, block), block)
        const first = shader.fresh('c')
        block.line(`let ${first} = ${tile} * ${width}u;`)
        const columnAt = Array.from({ length: columns }, (_, j) =>
          columnPlace(here, phase.columns, `${first} + ${j * lanes}u${shared ? ` + ${lane}` : ''}`, width),
        )
        const rowAt = places.map((row) => bind(here, [[kernel.batch, row]]))
        const sums = places.map(() => Array.from({ length: width }, () => shader.fresh('a')))
        for (const name of sums.flat()) block.line(`var ${name} = 0.0f;`)
        loops(here, phase.depth, (inner) => {
          const depth = inner.binders.slice(here.binders.length)
          const at = (place: Context): Context => ({ ...inner, binders: [...place.binders, ...depth] })
          const left = rowAt.map((place) => printNamed(at(place), phase.left))
          // A right operand that differs from row to row is read for each.
          const rights = shared || !shader.identities.of(phase.right).free.has(kernel.batch) ? [here] : rowAt
          const right = rights.map((place) =>
            columnAt.map((column) =>
              printNamed(
                at({ ...column, binders: [...place.binders, ...column.binders.slice(here.binders.length)] }),
                phase.right,
              ),
            ),
          )
          for (let c = 0; c < width; c++) {
            const from = Math.floor(c / lanes)
            let taken = right[0]![from]!
            if (shared) {
              taken = shader.fresh('v')
              inner.block.line(`let ${taken} = subgroupBroadcast(${right[0]![from]!}, ${c % lanes}u);`)
            }
            sums.forEach((row, i) => {
              const value = right.length > 1 ? right[i]![from]! : taken
              inner.block.line(`${row[c]} = fma(${left[i]!}, ${value}, ${row[c]});`)
            })
          }
        })
        const array = shader.fresh('sums')
        block.line(`var ${array} = array<f32, ${width * schedule.rows}>(${sums.flat().join(', ')});`)
        eachRow(here, (row, i) => {
          const c = shader.fresh('c')
          const count = shader.size(elements(phase.columns))
          const limit = `min(${width}u, ${count} - ${first})`
          row.block.nest(`for (var ${c} = 0u; ${c} < ${opaque(shader, limit)}; ${c}++)`, (cell) => {
            const sum = shader.fresh('v')
            cell.line(`let ${sum} = ${array}[${i} * ${width}u + ${c}];`)
            const flat = shader.fresh('c')
            cell.line(`let ${flat} = ${first} + ${c};`)
            const place = bind(inside(row, cell), [[accumulator, sum]])
            writeStores(bind(place, unflatten(place, phase.columns, flat)), phase.stores)
          })
        })
      })
    })
  }

  return {
    resume: () => {},
    leave: () => {},
    phase: (context, phase) => {
      switch (phase.kind) {
        case 'map':
          eachRow(context, (row) => flatLoop(row, phase.axes, (inner) => writeStores(inner, phase.stores)))
          break
        case 'row':
          eachRow(context, (row) => flatLoop(row, phase.outer, (inner) => writeRow(inner, phase)))
          break
        case 'contract':
          product(context, phase)
          break
        default:
          phase satisfies never
      }
    },
  }
}

/** Columns that a lane reads at a time: no more than there are. */
function columnsAtOnce(axes: readonly Axis[], most: number, lanes: number): number {
  const size: Dim = elements(axes)
  return size.constant === undefined ? most : Math.max(1, Math.min(most, Math.ceil(size.constant / lanes)))
}

/** The context of one column: past the end, the last one again, whose sum is then not stored. */
function columnPlace(context: Context, axes: readonly Axis[], flat: string, width: number): Context {
  const { shader, block } = context
  const size = elements(axes)
  const name = shader.fresh('i')
  const fits = size.constant !== undefined && size.constant % width === 0
  block.line(`let ${name} = ${fits ? flat : `min(${flat}, ${flatSize(context, axes)} - 1u)`};`)
  return bind(context, unflatten(context, axes, name))
}
