/**
 * Recurrences in one kernel: a loop over turns with the phases inside. How rows are laid over lanes is the schedule's
 * choice (`scan-lane.ts`, `scan-workgroup.ts`); what is common to all is here: the turns of a dispatch, and bindings.
 *
 * A long recurrence is cut into dispatches of some turns each, so that none holds a desktop's screen for long: each reads
 * its number from memory and goes on from the carries that the one before has left. No turns are one dispatch, which
 * leaves the carries as they begin.
 */

import type { Storage } from '../../../runtime/abi.ts'
import { add, atLeastOne, ceilQuotient, type Dim, dim, multiply, one } from '../../ir/dim.ts'
import type { ScanKernel, ScanPhase } from '../../ir/kernel.ts'
import type { EmittedScan, ScanGroup, ScanStage } from '../../lowered.ts'
import type { Block } from './block.ts'
import { bind, type Context, groupNumber, inside, opaque, rootContext } from './context.ts'
import { byLane } from './scan-lane.ts'
import { byWorkgroup } from './scan-workgroup.ts'
import type { ScanSchedule } from './schedule.ts'
import { elements, Shader } from './shader.ts'
import { countStores } from './stores.ts'

/** How the rows of a scan are laid over lanes. */
export interface ScanRunner {
  readonly phase: (context: Context, phase: ScanPhase) => void
  /** What a dispatch that is not the first reads of the carries, and what it leaves for the next. */
  readonly resume: (block: Block) => void
  readonly leave: (block: Block, all: boolean) => void
}

export function emitScan(kernel: ScanKernel, storages: readonly Storage[], schedule: ScanSchedule): EmittedScan {
  const turns = ceilQuotient(dim(schedule.work), workOf(kernel))
  const chunks = turnsFit(kernel.time.extent, turns) ? one : atLeastOne(ceilQuotient(kernel.time.extent, turns))
  // Where tensors lie within their arena is no part of the text: the layers of a stack mostly have one.
  const printed = new Map<string, ScanStage>()
  const stage = (groups: readonly ScanGroup[]): ScanStage => {
    const key = groups.map(({ access, members }) => `${access} ${members.map(({ slot }) => slot).join()}`).join(';')
    const known = printed.get(key)
    if (known) return { ...known, constants: new Map([...known.constants, ...groups.flatMap(offsetsOf)]) }
    const made = print(kernel, storages, schedule, groups, chunks === one ? undefined : turns)
    printed.set(key, made)
    return made
  }
  const { name, bindings } = stage([])
  return {
    name,
    slots: bindings.flatMap(({ target, access }) =>
      target.kind === 'slot'
        ? [{ slot: target.slot, access: access === 'write' ? ('write' as const) : ('read' as const) }]
        : [],
    ),
    chunks,
    stage,
  }
}

const offsetName = (slot: number): string => `o${slot}`
/** A slot alone behind its binding has no offset. */
const offsetsOf = ({ members }: ScanGroup): (readonly [string, Dim])[] =>
  members.length === 1 ? [] : members.map(({ slot, offset }) => [offsetName(slot), offset] as const)

const turnsFit = (length: Dim, turns: Dim): boolean =>
  length.constant !== undefined && turns.constant !== undefined && length.constant <= turns.constant

function print(
  kernel: ScanKernel,
  storages: readonly Storage[],
  schedule: ScanSchedule,
  groups: readonly ScanGroup[],
  chunk: Dim | undefined,
): ScanStage {
  const shader = new Shader(kernel.slots, storages)
  groups.forEach(({ access, members }, number) => {
    for (const { slot, offset } of members) {
      const array = shader.group(number, storages[slot]!, access)
      shader.view(slot, members.length === 1 ? { array } : { array, offset: shader.offset(offsetName(slot), offset) })
    }
  })
  for (const phase of [...kernel.before, ...kernel.phases]) countPhase(shader, phase)
  const root = rootContext(shader, schedule.guards)
  const group = groupNumber(root)
  const run =
    schedule.by === 'lane' ? byLane(root, kernel, schedule, group) : byWorkgroup(root, kernel, schedule, group)
  const { body } = shader
  const length = shader.size(kernel.time.extent)
  let first = '0u'
  let end = length
  const begin = (block: Block) => {
    for (const phase of kernel.before) run.phase(inside(root, block), phase)
  }
  if (chunk === undefined) begin(body)
  else {
    const number = shader.fresh('chunk')
    body.line(`let ${number} = ${shader.turn()}[0];`)
    first = shader.fresh('s')
    body.line(`let ${first} = ${number} * ${shader.size(chunk)};`)
    end = shader.fresh('s')
    body.line(`let ${end} = min(${first} + ${shader.size(chunk)}, ${length});`)
    body.nest(`if (${number} == 0u)`, begin)
    body.nest(`if (${number} != 0u)`, run.resume)
  }
  const step = shader.fresh('s')
  body.nest(`for (var ${step} = ${first}; ${step} < ${opaque(shader, end)}; ${step}++)`, (block) => {
    const turn = shader.fresh('turn')
    block.line(`let ${turn} = ${kernel.reverse ? `${length} - 1u - ${step}` : step};`)
    const here = bind(root, [[kernel.time, turn]], block)
    for (const phase of kernel.phases) run.phase(here, phase)
  })
  run.leave(body, chunk !== undefined)
  const rows = schedule.by === 'lane' ? schedule.rows * schedule.lanes : schedule.rows
  return shader.finishScan({
    name: kernel.name,
    comment: describe(kernel, schedule),
    workgroup: [schedule.lanes, 1, 1],
    workgroups: [ceilQuotient(kernel.batch.extent, dim(rows)), one, one],
  })
}

function countPhase(shader: Shader, phase: ScanPhase): void {
  if (phase.kind === 'contract') {
    shader.identities.count(phase.left)
    shader.identities.count(phase.right)
  }
  if (phase.kind === 'row') {
    for (const { value } of phase.stages) shader.identities.count(value)
    countStores(shader, phase.results)
  }
  countStores(shader, phase.stores)
}

/** Products and other steps in a turn of all rows, at least 1. */
export function workOf(kernel: ScanKernel): Dim {
  return add(one, multiply(kernel.batch.extent, rowWork(kernel)))
}
export const rowWork = (kernel: ScanKernel): Dim => add(...kernel.phases.map(phaseWork))

function phaseWork(phase: ScanPhase): Dim {
  switch (phase.kind) {
    case 'map':
      return elements(phase.axes)
    case 'row':
      return elements([...phase.outer, ...phase.row])
    case 'contract':
      return elements([...phase.batch, ...phase.rows, ...phase.columns, ...phase.depth])
    default:
      return phase satisfies never
  }
}

function describe({ phases }: ScanKernel, schedule: ScanSchedule): string {
  const steps = `all turns, ${phases.length} phases`
  if (schedule.by === 'workgroup') return `scan: ${schedule.rows} rows a workgroup, ${steps}`
  const shared = schedule.subgroup > 0 ? ', columns shared by subgroup broadcast' : ''
  return `scan: ${schedule.rows} rows a lane, ${steps}${shared}`
}
