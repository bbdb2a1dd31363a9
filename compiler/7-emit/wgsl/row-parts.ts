/**
 * Few very long rows (the norm of all gradients, the bias gradient of a convolution): each row is cut in parts, each
 * part is one workgroup's. Per level of stages two dispatches: partial results of the parts to scratch memory, then
 * their combination. Stores that need the stages' values for every element are one more dispatch.
 */
import { ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import type { RowKernel } from '../../ir/kernel.ts'
import type { EmittedKernel, EmittedStage } from '../../lowered.ts'
import type { Storage } from '../../../runtime/abi.ts'
import { isArg } from './combine.ts'
import { bind, type Context, flatSize, groupNumber, inside, rootContext, unflatten } from './context.ts'
import { forEachElement } from './map.ts'
import { accumulate, type Accumulator, combineLanes, declareAccumulator, finished, fromShared, levelsOf, merge, sharedType, toShared } from './reduction.ts'
import { countRow, strided } from './row.ts'
import type { RowSchedule } from './schedule.ts'
import { elements, type ScratchStorage, Shader } from './shader.ts'
import { writeStores } from './stores.ts'

type Parts = Extract<RowSchedule, { by: 'parts' }>

/** Scratch tensors of one stage: partial values (and positions) by outer index and part, and the final value by outer index. */
interface StageScratch {
  readonly partial: number
  readonly partialPosition: number | undefined
  readonly final: number
}

export function emitRowParts(kernel: RowKernel, storages: readonly Storage[], schedule: Parts): EmittedKernel {
  const outer = elements(kernel.outer)
  const scratch: { elements: Dim; storage: ScratchStorage }[] = []
  const reserve = (size: Dim, storage: ScratchStorage) => scratch.push({ elements: size, storage }) - 1
  const cells = multiply(outer, dim(schedule.parts))
  const places = kernel.stages.map(({ combine, value, dtype }): StageScratch => ({
    partial: reserve(cells, sharedType(value.dtype)),
    partialPosition: isArg(combine) ? reserve(cells, 'u32') : undefined,
    final: reserve(outer, sharedType(dtype)),
  }))
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
function withStages(context: Context, kernel: RowKernel, places: readonly StageScratch[], done: readonly number[], outer: string): Context {
  const { shader, block } = context
  return bind(context, done.map((i) => {
    const { dtype } = kernel.stages[i]!
    const name = shader.fresh('s')
    block.line(`let ${name} = ${fromShared(dtype, `${shader.scratch(places[i]!.final, sharedType(dtype), 'read')}[${outer}]`)};`)
    return [i, name] as const
  }))
}

function partialStage(kernel: RowKernel, storages: readonly Storage[], schedule: Parts, places: readonly StageScratch[], done: readonly number[], level: readonly number[]): EmittedStage {
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
    const accumulators = level.map((i) => declareAccumulator(context, kernel.stages[i]!.combine, kernel.stages[i]!.value.dtype))
    strided(context, kernel.row, `${first} + ${lane}`, schedule.lanes, (inner, flat) =>
      level.forEach((i, at) => accumulate(inner, accumulators[at]!, kernel.stages[i]!.value, flat)), end)
    const totals = combineLanes(context, accumulators, schedule.lanes)
    block.nest(`if (${lane} == 0u)`, (inner) => {
      level.forEach((i, at) => {
        const { value } = kernel.stages[i]!
        const { partial, partialPosition } = places[i]!
        inner.line(`${shader.scratch(partial, sharedType(value.dtype), 'write')}[${group}] = ${toShared(value.dtype, totals[at]!.value)};`)
        if (partialPosition !== undefined) inner.line(`${shader.scratch(partialPosition, 'u32', 'write')}[${group}] = ${totals[at]!.position!};`)
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

function finalStage(kernel: RowKernel, storages: readonly Storage[], schedule: Parts, places: readonly StageScratch[], done: readonly number[], level: readonly number[], last: boolean): EmittedStage {
  const { shader, root } = begin(kernel, storages, schedule)
  const group = groupNumber(root)
  const lane = shader.builtin('lane')
  const keep = !last || kernel.stores.length > 0
  shader.body.nest(`if (${group} < ${flatSize(root, kernel.outer)})`, (block) => {
    const here = inside(root, block)
    const accumulators = level.map((i): Accumulator => declareAccumulator(here, kernel.stages[i]!.combine, kernel.stages[i]!.value.dtype))
    const cell = shader.fresh('e')
    block.nest(`for (var ${cell} = ${lane}; ${cell} < ${schedule.parts}u; ${cell} += ${schedule.lanes}u)`, (loop) => {
      level.forEach((i, at) => {
        const { value } = kernel.stages[i]!
        const { partial, partialPosition } = places[i]!
        const index = `${group} * ${schedule.parts}u + ${cell}`
        const taken = shader.fresh('v')
        loop.line(`let ${taken} = ${fromShared(value.dtype, `${shader.scratch(partial, sharedType(value.dtype), 'read')}[${index}]`)};`)
        const position = partialPosition === undefined ? '' : shader.fresh('p')
        if (partialPosition !== undefined) loop.line(`let ${position} = ${shader.scratch(partialPosition, 'u32', 'read')}[${index}];`)
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
          inner.line(`${shader.scratch(places[i]!.final, sharedType(dtype), 'write')}[${group}] = ${toShared(dtype, finished(totals[at]!))};`)
        })
      if (!last) return
      context = withStages(context, kernel, places, done, group)
      writeStores(bind(context, level.map((i, at) => [i, finished(totals[at]!)] as const)), kernel.results)
    })
  })
  return shader.finish({
    name: `${kernel.name}.final`,
    comment: 'row in parts: the partial results combined',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [elements(kernel.outer), one, one],
  })
}

function storeStage(kernel: RowKernel, storages: readonly Storage[], schedule: Parts, places: readonly StageScratch[]): EmittedStage {
  const { shader, root } = begin(kernel, storages, schedule)
  const axes = [...kernel.outer, ...kernel.row]
  forEachElement(root, axes, schedule.lanes, (context) => {
    const outer = shader.fresh('o')
    // The outer index again, from the names that its axes have here.
    context.block.line(`let ${outer} = ${flatOf(context, kernel)};`)
    writeStores(withStages(context, kernel, places, kernel.stages.map((_, i) => i), outer), kernel.stores)
  })
  return shader.finish({
    name: `${kernel.name}.stores`,
    comment: 'row in parts: the stores of every element',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [ceilQuotient(elements(axes), dim(schedule.lanes)), one, one],
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
