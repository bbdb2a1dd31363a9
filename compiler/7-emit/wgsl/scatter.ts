/**
 * Scatter-add without atomics: floats added in whatever order threads arrive would differ from run to run. A first
 * dispatch links every entry to the next one with the same target, notes whether it is the first of its chain, and
 * clears the output. In a second, the first entry of each chain walks it and adds. The search compares N integers for
 * each of N entries; the additions are as many as there are updates.
 */

import type { Storage } from '../../../runtime/abi.ts'
import { add, ceilQuotient, type Dim, dim, multiply, one, product } from '../../ir/dim.ts'
import type { ScatterKernel } from '../../ir/kernel.ts'
import type { EmittedKernel, EmittedStage } from '../../lowered.ts'
import { numberText, registerType } from './combine.ts'
import { bind, type Context, flatSize, groupNumber, inside, nameOf, rootContext } from './context.ts'
import { forEachElement, groupsFor } from './map.ts'
import { withoutParentheses } from './print-index.ts'
import { printNamed, stored } from './print-scalar.ts'
import type { LoopSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'

/** Set in a link whose entry is the first with its target; the rest is the number of the next entry, or of entries. */
const first = '0x80000000u'

export function emitScatter(
  kernel: ScatterKernel,
  storages: readonly Storage[],
  schedule: LoopSchedule,
): EmittedKernel {
  return {
    stages: [linkStage(kernel, storages, schedule), walkStage(kernel, storages, schedule)],
    scratch: [{ elements: kernel.entries.extent, storage: 'u32' }],
  }
}

function linkStage(kernel: ScatterKernel, storages: readonly Storage[], schedule: LoopSchedule): EmittedStage {
  const shader = new Shader(kernel.slots, storages)
  shader.identities.count(kernel.position)
  const context = rootContext(shader, schedule.guards)
  const group = groupNumber(context)
  const lane = shader.fresh('e')
  shader.body.line(`let ${lane} = ${group} * ${schedule.lanes}u + ${shader.builtin('lane')};`)
  const outputs = multiply(
    product(kernel.before.map((a) => a.extent)),
    kernel.size,
    product(kernel.after.map((a) => a.extent)),
  )
  shader.body.nest(`if (${lane} < ${shader.size(outputs)})`, (block) => {
    block.line(
      `${shader.slot(kernel.output)}[${lane}] = ${stored(inside(context, block), kernel.output, kernel.value.dtype, numberText(0, kernel.value.dtype))};`,
    )
  })
  const entries = flatSize(context, [kernel.entries])
  shader.body.nest(`if (${lane} < ${entries})`, (block) => {
    const here = inside(context, block)
    const target = printNamed(bind(here, [[kernel.entries, lane]]), kernel.position)
    const link = shader.fresh('link')
    block.line(`var ${link} = ${entries};`)
    search(here, kernel, target, `${lane} + 1u`, entries, (found, at) => found.line(`${link} = ${at};`))
    const head = shader.fresh('head')
    block.line(`var ${head} = ${first};`)
    search(here, kernel, target, '0u', lane, (found) => found.line(`${head} = 0u;`))
    block.line(`${shader.scratch(0, 'u32', 'write')}[${lane}] = ${link} | ${head};`)
  })
  // Lanes for the entries and for the outputs: their sum is no less than the greater.
  const lanes = ceilQuotient(outputs, dim(schedule.lanes))
  const enough = ceilQuotient(kernel.entries.extent, dim(schedule.lanes))
  return shader.finish({
    name: `${kernel.name}.link`,
    comment: 'scatter: links each entry to the next with its target; clears the output',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [greater(lanes, enough), one, one],
  })
}

/** The greater of two counts; of symbolic ones their sum, which is no less. */
function greater(a: Dim, b: Dim): Dim {
  if (a.constant !== undefined && b.constant !== undefined) return dim(Math.max(a.constant, b.constant))
  return add(a, b)
}

/** Looks for the first entry from `begin` to `end` with the target. */
function search(
  context: Context,
  kernel: ScatterKernel,
  target: string,
  begin: string,
  end: string,
  found: (block: Context['block'], at: string) => void,
): void {
  const at = context.shader.fresh('i')
  context.block.nest(`for (var ${at} = ${begin}; ${at} < ${end}; ${at}++)`, (loop) => {
    const other = printNamed(bind(inside(context, loop), [[kernel.entries, at]]), kernel.position)
    loop.nest(`if (${other} == ${target})`, (block) => {
      found(block, at)
      block.line('break;')
    })
  })
}

function walkStage(kernel: ScatterKernel, storages: readonly Storage[], schedule: LoopSchedule): EmittedStage {
  const shader = new Shader(kernel.slots, storages)
  shader.identities.count(kernel.position)
  shader.identities.count(kernel.value)
  const axes = [...kernel.before, kernel.entries, ...kernel.after]
  const links = shader.scratch(0, 'u32', 'read')
  forEachElement(rootContext(shader, schedule.guards), axes, schedule, (context) => {
    const entry = nameOf(context, kernel.entries)!
    const link = shader.fresh('link')
    context.block.line(`var ${link} = ${links}[${entry}];`)
    context.block.nest(`if ((${link} & ${first}) != 0u)`, (block) => {
      const here = inside(context, block)
      const { dtype } = kernel.value
      const target = shader.fresh('k')
      block.line(`let ${target} = u32(${withoutParentheses(printNamed(here, kernel.position))});`)
      const sum = shader.fresh('a')
      block.line(`var ${sum}: ${registerType(dtype)} = ${numberText(0, dtype)};`)
      const at = shader.fresh('i')
      block.line(`var ${at} = ${entry};`)
      block.nest(`while (${at} < ${flatSize(here, [kernel.entries])})`, (loop) => {
        const value = printNamed(bind(inside(here, loop), [[kernel.entries, at]]), kernel.value)
        loop.line(`${sum} += ${value};`)
        loop.line(`${at} = ${links}[${at}] & ~${first};`)
      })
      const output = [
        ...kernel.before.map((axis) => ({ name: nameOf(here, axis)!, size: axis.extent })),
        { name: target, size: kernel.size },
        ...kernel.after.map((axis) => ({ name: nameOf(here, axis)!, size: axis.extent })),
      ]
      const flat = output.reduce(
        (text, { name, size }) => (text === '' ? name : `(${text}) * ${shader.size(size)} + ${name}`),
        '',
      )
      block.nest(`if (${target} < ${shader.size(kernel.size)})`, (inner) => {
        inner.line(
          `${shader.slot(kernel.output)}[${flat}] = ${stored(inside(here, inner), kernel.output, dtype, sum)};`,
        )
      })
    })
  })
  return shader.finish({
    name: `${kernel.name}.walk`,
    comment: 'scatter: the first entry of each chain adds the updates of all of it',
    workgroup: [schedule.lanes, 1, 1],
    workgroups: groupsFor(elements(axes), schedule),
  })
}
