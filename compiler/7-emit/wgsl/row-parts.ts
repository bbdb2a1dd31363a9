/**
 * Few very long rows (the norm of all gradients, the bias gradient of a convolution): each row is cut in parts, each
 * part is one workgroup's. Per level of stages two dispatches: partial results of the parts to scratch memory, then
 * their combination. Stores that need the stages' values for every element are one more dispatch.
 */

import type { Storage } from '../../../runtime/abi.ts'
import { ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import type { DType } from '../../ir/graph.ts'
import type { RowKernel } from '../../ir/kernel.ts'
import type { EmittedKernel, EmittedStage } from '../../lowered.ts'
import { isArg, registerType } from './combine.ts'
import { bind, type Context, flatSize, groupNumber, inside, rootContext, unflatten } from './context.ts'
import { forEachElement, groupsFor } from './map.ts'
import {
  type Accumulator,
  accumulate,
  combineLanes,
  declareAccumulator,
  finished,
  levelsOf,
  merge,
} from './reduction.ts'
import { countRow, strided } from './row.ts'
import type { RowSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { writeStores } from './stores.ts'

type Parts = Extract<RowSchedule, { by: 'parts' }>

/**
 * Two scratch tensors of words serve all stages, because bindings are few: partial values (and positions) by outer index
 * and part, and final values by outer index. A stage has a run of each; these are the numbers of the runs.
 */
interface StageScratch {
  readonly partial: number
  readonly partialPosition: number | undefined
  readonly final: number
}
const partials = 0
const finals = 1

export function emitRowParts(kernel: RowKernel, storages: readonly Storage[], schedule: Parts): EmittedKernel {
  const outer = elements(kernel.outer)
  const cells = multiply(outer, dim(schedule.parts))
  let runs = 0
  const places = kernel.stages.map(
    ({ combine }, final): StageScratch => ({
      partial: runs++,
      partialPosition: isArg(combine) ? runs++ : undefined,
      final,
    }),
  )
  const scratch = [
    { elements: multiply(dim(runs), cells), storage: 'u32' as const },
    { elements: multiply(dim(kernel.stages.length), outer), storage: 'u32' as const },
  ]
  const levels = levelsOf(kernel.stages)
  const stages: EmittedStage[] = []
  levels.forEach((level, at) => {
    stages.push(partialStage(kernel, storages, schedule, places, levels.slice(0, at).flat(), level))
    const last = at === levels.length - 1
    stages.push(finalStage(kernel, storages, schedule, places, levels.slice(0, at).flat(), level, last))
  })
  if (kernel.stores.length > 0) stages.push(storeStage(kernel, storages, schedule, places))
  return { stages, scratch }
}

function begin(kernel: RowKernel, storages: readonly Storage[], schedule: Parts): { shader: Shader; root: Context } {
  const shader = new Shader(kernel.slots, storages)
  countRow(shader, kernel)
  return { shader, root: rootContext(shader, schedule.guards) }
}

/** Binds the values of finished stages, read from scratch memory. */
function withStages(
  context: Context,
  kernel: RowKernel,
  places: readonly StageScratch[],
  done: readonly number[],
  outer: string,
  access: 'read' | 'write' = 'read',
): Context {
  const { shader, block } = context
  return bind(
    context,
    done.map((i) => {
      const { dtype } = kernel.stages[i]!
      const name = shader.fresh('s')
      block.line(
        `let ${name} = ${fromWord(dtype, `${shader.scratch(finals, 'u32', access)}[${finalCell(shader, kernel, places[i]!, outer)}]`)};`,
      )
      return [i, name] as const
    }),
  )
}

function partialStage(
  kernel: RowKernel,
  storages: readonly Storage[],
  schedule: Parts,
  places: readonly StageScratch[],
  done: readonly number[],
  level: readonly number[],
): EmittedStage {
  const { shader, root } = begin(kernel, storages, schedule)
  const group = groupNumber(root)
  const lane = shader.builtin('lane')
  const cells = multiply(elements(kernel.outer), dim(schedule.parts))
  shader.body.nest(`if (${group} < ${shader.size(cells)})`, (block) => {
    const here = inside(root, block)
    const outer = shader.fresh('o')
    block.line(`let ${outer} = ${group} / ${schedule.parts}u;`)
    const part = shader.size(ceilQuotient(elements(kernel.row), dim(schedule.parts)))
    const first = shader.fresh('b')
    block.line(`let ${first} = (${group} % ${schedule.parts}u) * ${part};`)
    const end = shader.fresh('b')
    block.line(`let ${end} = min(${first} + ${part}, ${flatSize(here, kernel.row)});`)
    const context = withStages(bind(here, unflatten(here, kernel.outer, outer)), kernel, places, done, outer)
    const accumulators = level.map((i) =>
      declareAccumulator(context, kernel.stages[i]!.combine, kernel.stages[i]!.value.dtype),
    )
    strided(
      context,
      kernel.row,
      `${first} + ${lane}`,
      schedule.lanes,
      (inner, flat) => {
        for (const [at, i] of level.entries()) accumulate(inner, accumulators[at]!, kernel.stages[i]!.value, flat)
      },
      end,
    )
    const totals = combineLanes(context, accumulators, schedule.lanes)
    block.nest(`if (${lane} == 0u)`, (inner) => {
      level.forEach((i, at) => {
        const { value } = kernel.stages[i]!
        const { partial, partialPosition } = places[i]!
        const words = shader.scratch(partials, 'u32', 'write')
        inner.line(
          `${words}[${partialCell(shader, cells, partial, group)}] = ${toWord(value.dtype, totals[at]!.value)};`,
        )
        if (partialPosition !== undefined)
          inner.line(`${words}[${partialCell(shader, cells, partialPosition, group)}] = ${totals[at]!.position!};`)
      })
    })
  })
  return shader.finish({
    name: `${kernel.name}.parts`,
    comment: 'row in parts: partial results, one workgroup a part',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [cells, one, one],
  })
}

function finalStage(
  kernel: RowKernel,
  storages: readonly Storage[],
  schedule: Parts,
  places: readonly StageScratch[],
  done: readonly number[],
  level: readonly number[],
  last: boolean,
): EmittedStage {
  const { shader, root } = begin(kernel, storages, schedule)
  const group = groupNumber(root)
  const lane = shader.builtin('lane')
  const keep = !last || kernel.stores.length > 0
  const cells = multiply(elements(kernel.outer), dim(schedule.parts))
  shader.body.nest(`if (${group} < ${flatSize(root, kernel.outer)})`, (block) => {
    const here = inside(root, block)
    const accumulators = level.map(
      (i): Accumulator => declareAccumulator(here, kernel.stages[i]!.combine, kernel.stages[i]!.value.dtype),
    )
    const cell = shader.fresh('e')
    block.nest(`for (var ${cell} = ${lane}; ${cell} < ${schedule.parts}u; ${cell} += ${schedule.lanes}u)`, (loop) => {
      level.forEach((i, at) => {
        const { value } = kernel.stages[i]!
        const { partial, partialPosition } = places[i]!
        const index = `${group} * ${schedule.parts}u + ${cell}`
        const words = shader.scratch(partials, 'u32', 'read')
        const taken = shader.fresh('v')
        loop.line(`let ${taken} = ${fromWord(value.dtype, `${words}[${partialCell(shader, cells, partial, index)}]`)};`)
        const position = partialPosition === undefined ? '' : shader.fresh('p')
        if (partialPosition !== undefined)
          loop.line(`let ${position} = ${words}[${partialCell(shader, cells, partialPosition, index)}];`)
        merge(inside(here, loop), accumulators[at]!, accumulators[at]!, taken, position)
      })
    })
    const totals = combineLanes(here, accumulators, schedule.lanes)
    block.nest(`if (${lane} == 0u)`, (inner) => {
      let context = inside(here, inner)
      context = bind(context, unflatten(context, kernel.outer, group))
      if (keep)
        level.forEach((i, at) => {
          const { dtype } = kernel.stages[i]!
          inner.line(
            `${shader.scratch(finals, 'u32', 'write')}[${finalCell(shader, kernel, places[i]!, group)}] = ${toWord(dtype, finished(totals[at]!))};`,
          )
        })
      if (!last) return
      context = withStages(context, kernel, places, done, group, keep ? 'write' : 'read')
      writeStores(
        bind(
          context,
          level.map((i, at) => [i, finished(totals[at]!)] as const),
        ),
        kernel.results,
      )
    })
  })
  return shader.finish({
    name: `${kernel.name}.final`,
    comment: 'row in parts: the partial results combined',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [elements(kernel.outer), one, one],
  })
}

const partialCell = (shader: Shader, cells: Dim, run: number, cell: string): string =>
  run === 0 ? cell : `${shader.size(multiply(dim(run), cells))} + ${cell}`
const finalCell = (shader: Shader, kernel: RowKernel, place: StageScratch, outer: string): string =>
  place.final === 0 ? outer : `${shader.size(multiply(dim(place.final), elements(kernel.outer)))} + ${outer}`
const toWord = (dtype: DType, value: string): string =>
  dtype === 'bool' ? `select(0u, 1u, ${value})` : dtype === 'uint' ? value : `bitcast<u32>(${value})`
const fromWord = (dtype: DType, word: string): string =>
  dtype === 'bool' ? `${word} != 0u` : dtype === 'uint' ? word : `bitcast<${registerType(dtype)}>(${word})`

function storeStage(
  kernel: RowKernel,
  storages: readonly Storage[],
  schedule: Parts,
  places: readonly StageScratch[],
): EmittedStage {
  const { shader, root } = begin(kernel, storages, schedule)
  const axes = [...kernel.outer, ...kernel.row]
  forEachElement(root, axes, schedule, (context) => {
    const outer = shader.fresh('o')
    // The outer index again, from the names that its axes have here.
    context.block.line(`let ${outer} = ${flatOf(context, kernel)};`)
    writeStores(
      withStages(
        context,
        kernel,
        places,
        kernel.stages.map((_, i) => i),
        outer,
      ),
      kernel.stores,
    )
  })
  return shader.finish({
    name: `${kernel.name}.stores`,
    comment: 'row in parts: the stores of every element',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: groupsFor(elements(axes), schedule),
  })
}

function flatOf(context: Context, kernel: RowKernel): string {
  let text = ''
  for (const axis of kernel.outer) {
    const name = context.binders.findLast((b) => b.names.has(axis))!.names.get(axis)!
    text = text === '' ? name : `(${text}) * ${context.shader.size(axis.extent)} + ${name}`
  }
  return text === '' ? '0u' : text
}
