/**
 * The sums of a tile with both operands staged in workgroup memory, block by block of the depth: the workgroup's lanes
 * read a block of the left and of the right operand together, each element once, and then each lane multiplies its
 * rows and columns out of that memory. For GPUs, where storage is far and workgroup memory near.
 */

import { type Tile, tileColumns, tileRows } from './contract.ts'
import { depthRounds, stageOperand } from './contract-staging.ts'

export function accumulateWorkgroup(tile: Tile): string[][] {
  const { kernel, schedule, context } = tile
  const { shader, block } = context
  const lane = shader.builtin('lane')
  const [rows, columns] = [tileRows(schedule), tileColumns(schedule)]
  const left = shader.workgroupArray('f32', schedule.block * rows)
  const right = shader.workgroupArray('f32', schedule.block * columns)
  const sums = Array.from({ length: schedule.rows }, () =>
    Array.from({ length: schedule.columns }, () => shader.fresh('c')),
  )
  for (const name of sums.flat()) block.line(`var ${name} = 0.0f;`)
  const rounds = { split: schedule.split, turn: 1, deep: schedule.block }
  depthRounds(context, kernel, tile, rounds, (here, depth, end) => {
    const loop = here.block
    const lanes = schedule.lanes * schedule.rowLanes
    const staged = { depthAxes: kernel.depth, deep: schedule.block, depth, end, lanes }
    stageOperand(here, staged, {
      array: left,
      value: kernel.left,
      axes: kernel.rows,
      width: rows,
      start: tile.row,
      place: (d, x) => `${d} * ${rows}u + ${x}`,
    })
    stageOperand(here, staged, {
      array: right,
      value: kernel.right,
      axes: kernel.columns,
      width: columns,
      start: tile.column,
      place: (d, x) => `${d} * ${columns}u + ${x}`,
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
