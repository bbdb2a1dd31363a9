/**
 * A contraction by subgroup matrices: `sum += left · right` of whole matrices is one instruction of a subgroup. The workgroup
 * stages a block of both operands, filled up with zeros where the tile reaches beyond them, so that operands may be
 * anything that can be printed and extents no multiple of anything; results leave through workgroup memory as well,
 * where each lane takes elements and stores them as in every other form.
 *
 * How many lanes a subgroup has is known to few adapters before a kernel runs. Subgroups without work do without, and where
 * there are fewer than the schedule thinks, they take several turns: any number gives the same result.
 */
import type { Storage } from '../../../runtime/abi.ts'
import { dim, multiply, one } from '../../ir/dim.ts'
import type { ContractKernel } from '../../ir/kernel.ts'
import type { EmittedKernel, EmittedStage } from '../../lowered.ts'
import { bind, type Context, inside, rootContext, unflatten } from './context.ts'
import { sumStage } from './contract.ts'
import { depthRounds, stageOperand } from './contract-staging.ts'
import { onTiles, type TilePlace } from './contract-tiles.ts'
import { accumulator } from './identity.ts'
import { countMatrixOperand, type MatrixOperand, matrixOperands, stagedArray } from './matrix-operands.ts'
import { loadMatrix, matrixType, multiplyAdd, storeMatrix } from './matrix-text.ts'
import { blockDepth, lanesOfMatrices, tileColumns, tileRows, workers } from './matrix-tile.ts'
import type { MatrixSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores, writeStores } from './stores.ts'

export function emitMatrixContract(
  kernel: ContractKernel,
  storages: readonly Storage[],
  schedule: MatrixSchedule,
): EmittedKernel {
  const isSplit = schedule.split > 1
  const results = elements([...kernel.batch, ...kernel.rows, ...kernel.columns])
  return {
    stages: [
      productStage(kernel, storages, schedule),
      ...(isSplit ? [sumStage(kernel, storages, { ...schedule, vector: 1 })] : []),
    ],
    scratch: isSplit ? [{ elements: multiply(dim(schedule.split), results), storage: 'f32' }] : [],
  }
}

function productStage(kernel: ContractKernel, storages: readonly Storage[], schedule: MatrixSchedule): EmittedStage {
  const operands = matrixOperands(kernel, schedule)
  const shader = new Shader(kernel.slots, storages, operands.vectors)
  shader.need('subgroups')
  shader.need('chromium-experimental-subgroup-matrix')
  if (schedule.configuration.component === 'f16') shader.need('shader-f16')
  countMatrixOperand(shader, operands.left)
  countMatrixOperand(shader, operands.right)
  countStores(shader, kernel.stores)
  const shape = {
    rows: tileRows(schedule),
    columns: tileColumns(schedule),
    split: schedule.split,
    turn: operands.turn,
  }
  const groups = onTiles(rootContext(shader, schedule.guards), kernel, shape, (place) => {
    const { context } = place
    const left = stagedArray(shader, operands.left, schedule)
    const right = stagedArray(shader, operands.right, schedule)
    const tile: MatrixTile = { ...place, kernel, schedule, left, right, turn: operands.turn }
    const turn = shader.fresh('turn')
    const step = shader.builtin('subgroups')
    context.block.nest(`for (var ${turn} = 0u; ${turn} < ${workers(schedule)}u; ${turn} += ${step})`, (loop) => {
      const here = inside(context, loop)
      const worker = workerAt(schedule, here, turn)
      writeResults(tile, here, worker, accumulate(tile, here, worker))
    })
  })
  return shader.finish({
    name: schedule.split === 1 ? kernel.name : `${kernel.name}.parts`,
    comment: describe(schedule),
    workgroup: [lanesOfMatrices(schedule), 1, 1],
    workgroups: [groups, one, one],
  })
}

interface MatrixTile extends TilePlace {
  readonly kernel: ContractKernel
  readonly schedule: MatrixSchedule
  readonly left: MatrixOperand & { readonly array: string }
  readonly right: MatrixOperand & { readonly array: string }
  readonly turn: number
}

/** A subgroup's share of the tile, as text: its number among those with work, and its first row and column in the tile. */
interface Worker {
  readonly number: string
  readonly row: string
  readonly column: string
  /** For what only subgroups with work do: uniform in each of them, and without barriers. */
  readonly condition: string
}

function workerAt(schedule: MatrixSchedule, { shader, block }: Context, turn: string): Worker {
  const { rows, columns, columnGroups, configuration } = schedule
  const [number, row, column] = ['worker', 'wr', 'wc'].map((name) => shader.fresh(name)) as [string, string, string]
  block.line(`let ${number} = ${turn} + ${shader.builtin('subgroup')};`)
  block.line(`let ${row} = ${number} / ${columnGroups}u * ${rows * configuration.M}u;`)
  block.line(`let ${column} = ${number} % ${columnGroups}u * ${columns * configuration.N}u;`)
  return { number, row, column, condition: `if (${number} < ${workers(schedule)}u)` }
}

/** Names of a subgroup's result matrices, by row and column. */
function accumulate(tile: MatrixTile, context: Context, worker: Worker): string[][] {
  const { kernel, schedule, left, right } = tile
  const { configuration, rows, columns } = schedule
  const { shader, block } = context
  const deep = blockDepth(schedule)
  const sums = Array.from({ length: rows }, () => Array.from({ length: columns }, () => shader.fresh('c')))
  // Said outright: what a variable without an initialiser holds in the second turn of a loop, drivers do not agree on.
  for (const name of sums.flat()) block.line(`var ${name} = ${matrixType('result', configuration)}();`)
  depthRounds(context, kernel, tile, { split: schedule.split, turn: tile.turn, deep }, (here, depth, end) => {
    const loop = here.block
    const staged = { depthAxes: kernel.depth, deep, depth, end, lanes: lanesOfMatrices(schedule) }
    stageOperand(here, staged, { ...left, start: tile.row })
    stageOperand(here, staged, { ...right, start: tile.column })
    loop.line('workgroupBarrier();')
    loop.nest(worker.condition, (working) => {
      const k = shader.fresh('k')
      working.nest(`for (var ${k} = 0u; ${k} < ${deep}u; ${k} += ${configuration.K}u)`, (products) => {
        const load = (part: 'left' | 'right', { array, majority, stride, place }: typeof left, first: string) => {
          const name = shader.fresh('m')
          const text = loadMatrix(matrixType(part, configuration), majority, array, place(k, first), stride)
          products.line(`let ${name} = ${text};`)
          return name
        }
        const a = sums.map((_, i) => load('left', left, `${worker.row} + ${i * configuration.M}u`))
        const b = sums[0]!.map((_, j) => load('right', right, `${worker.column} + ${j * configuration.N}u`))
        for (const [i, row] of sums.entries())
          for (const [j, sum] of row.entries()) products.line(`${sum} = ${multiplyAdd(a[i]!, b[j]!, sum)};`)
      })
    })
    loop.line('workgroupBarrier();')
  })
  return sums
}

/** One matrix after the other: its subgroup lays it out in workgroup memory, and its lanes store the elements. */
function writeResults(tile: MatrixTile, context: Context, worker: Worker, sums: readonly (readonly string[])[]): void {
  const { schedule } = tile
  const { M, N } = schedule.configuration
  const { shader, block } = context
  const array = shader.workgroupArray('f32', workers(schedule) * M * N)
  const first = `${worker.number} * ${M * N}u`
  const names = sums.flat()
  const which = shader.fresh('i')
  block.nest(`for (var ${which} = 0u; ${which} < ${names.length}u; ${which}++)`, (loop) => {
    loop.nest(worker.condition, (working) =>
      working.nest(`switch (${which})`, (cases) => {
        for (const [i, name] of names.entries()) {
          const label = i === names.length - 1 ? 'default:' : `case ${i}u:`
          cases.line(`${label} { ${storeMatrix(array, first, name, N)} }`)
        }
      }),
    )
    loop.line('workgroupBarrier();')
    loop.nest(worker.condition, (working) => {
      const cell = shader.fresh('e')
      const head = `for (var ${cell} = ${shader.builtin('sublane')}; ${cell} < ${M * N}u; ${cell} += ${shader.builtin('sublanes')})`
      working.nest(head, (each) => {
        const sum = shader.fresh('v')
        each.line(`let ${sum} = ${array}[${first} + ${cell}];`)
        writeElement(tile, inside(context, each), worker, { which, cell, sum })
      })
    })
    loop.line('workgroupBarrier();')
  })
}

/** The stores at one element of a result matrix, where it is inside the output. */
function writeElement(
  tile: MatrixTile,
  context: Context,
  worker: Worker,
  { which, cell, sum }: Readonly<Record<'which' | 'cell' | 'sum', string>>,
): void {
  const { kernel, schedule } = tile
  const { columns, configuration } = schedule
  const { M, N } = configuration
  const { shader, block } = context
  const [row, column] = [shader.fresh('i'), shader.fresh('i')]
  block.line(`let ${row} = ${tile.row} + ${worker.row} + ${which} / ${columns}u * ${M}u + ${cell} / ${N}u;`)
  block.line(`let ${column} = ${tile.column} + ${worker.column} + ${which} % ${columns}u * ${N}u + ${cell} % ${N}u;`)
  const isInside = `${row} < ${shader.size(elements(kernel.rows))} && ${column} < ${shader.size(elements(kernel.columns))}`
  block.nest(`if (${isInside})`, (inner) => {
    const here = inside(context, inner)
    if (schedule.split > 1) {
      inner.line(`${shader.scratch(0, 'f32', 'write')}[${tile.cell(row, column)}] = ${sum};`)
      return
    }
    const names = [...unflatten(here, kernel.rows, row), ...unflatten(here, kernel.columns, column)]
    writeStores(bind(here, [...names, [accumulator, sum]]), kernel.stores)
  })
}

function describe({ configuration, rows, columns, rowGroups, columnGroups, split }: MatrixSchedule): string {
  const { component, M, N, K } = configuration
  const each = `${rows} x ${columns} subgroup matrices of ${M} x ${N} (depth ${K}, ${component}) a subgroup`
  const parts = split === 1 ? '' : `, the depth in ${split} parts`
  return `contract: ${each}, ${rowGroups} x ${columnGroups} subgroups${parts}`
}
