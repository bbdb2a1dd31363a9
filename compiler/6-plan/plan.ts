/**
 * Fused entries → a compiled program: every tensor gets a place, every kernel its bindings, and the footprint is
 * certified: exact bytes as polynomials in the free dims.
 *
 * before: kernels over graph values        after: arenas, offsets, pipelines, dispatches (`CompiledProgram`)
 */

import type {
  CompiledProgram,
  Entry,
  EntryLoop,
  EntryRecurrence,
  MomentRecord,
  TensorSlot,
  VariableRecord,
} from '../../runtime/abi.ts'
import { explainScanStop } from '../diagnostics/scan-stops.ts'
import { type Dim, dim } from '../ir/dim.ts'
import type { ScanKernel } from '../ir/kernel.ts'
import type { ScanStop } from '../ir/scan-stop.ts'
import type { Link, LoweredProgram, LoweredVariable, UpdateGroup } from '../lowered.ts'
import { Dispatches } from './dispatch.ts'
import { certify } from './footprint.ts'
import { factsOf } from './kernel-facts.ts'
import { Memory } from './memory.ts'
import { layOutMoments, layOutParameters, momentKey } from './parameters.ts'
import { PipelineTable } from './pipelines.ts'
import { opposites, placeIntermediates, placePersistent } from './place.ts'
import { alignment, storageOf, toSize } from './sizes.ts'
import type { Emit, FusedEntry, MemoryValue } from './staged.ts'
import { stageEntry } from './stages.ts'
import { nameOf, orderStates, orderStepFields, stateSlots, stepFields, uniqueValues } from './values.ts'
import { workOf } from './work.ts'

export interface PlanOptions {
  readonly emit: Emit
  /** Makes one module of the functions, where kernels are functions. */
  readonly link?: Link | undefined
  /** Storage buffers that a dispatch may bind. */
  readonly maxBindings: number
}

export function plan(program: LoweredProgram, fused: readonly FusedEntry[], options: PlanOptions): CompiledProgram {
  // A recurrence whose tensors turn out to lie in too many arenas for one kernel is a loop after all, and all is planned anew.
  const stops = new Map<ScanKernel, ScanStop>()
  const { scans } = options.emit
  const emit: Emit = Object.assign((...given: Parameters<Emit>) => options.emit(...given), {
    scans: scans && {
      ...scans,
      declines: (kernel: ScanKernel, sizes: ReadonlyMap<string, Dim>) =>
        stops.get(kernel) ?? scans.declines(kernel, sizes),
    },
  })
  for (;;) {
    const { compiled, overfull } = planWith(program, fused, { ...options, emit })
    if (overfull.length === 0) return { ...compiled, footprint: certify(compiled) }
    for (const { kernel, count } of overfull) stops.set(kernel, { kind: 'bindings', count, most: options.maxBindings })
  }
}

interface Planned {
  readonly compiled: Omit<CompiledProgram, 'footprint'>
  readonly overfull: readonly { readonly kernel: ScanKernel; readonly count: number }[]
}

function planWith(program: LoweredProgram, fused: readonly FusedEntry[], options: PlanOptions): Planned {
  const { emit, maxBindings } = options
  const half = fused.some(({ phases }) => phases.some((phase) => phase.half))
  const variables = layOutParameters(program, half ? 2 * alignment : alignment)
  const lengths = (group: UpdateGroup | 'all') =>
    group === 'all' ? variables.trainableElements : variables.groups.get(group.index)!.elements
  const entries = workOf(fused, lengths).map((work) => stageEntry(work, emit))
  const sides = opposites(entries)
  const memory = new Memory()

  memory.fixed('parameters', 'parameters', dim(variables.bytes))
  const training = entries.some((e) => e.name === 'step')
  if (training) memory.fixed('gradients', 'gradients', dim(variables.trainableElements * 4))
  if (half) memory.fixed('half', 'activations', dim(variables.trainableElements * 2))
  const moments = layOutMoments(program, variables.groups)
  if (moments.bytes > 0) memory.fixed('moments', 'moments', dim(moments.bytes))

  const all = uniqueValues(entries)
  const inClass = (kind: MemoryValue['class']['kind']) => all.filter((v) => v.class.kind === kind)
  memory.contiguous(
    'inputs',
    'batch',
    inClass('batch').filter((v) => v.class.kind === 'batch' && v.class.role === 'input'),
  )
  memory.contiguous(
    'targets',
    'batch',
    inClass('batch').filter((v) => v.class.kind === 'batch' && v.class.role === 'target'),
  )
  memory.contiguous('step', 'step', orderStepFields(inClass('step')))
  memory.contiguous('constants', 'constants', inClass('constant'))
  for (const [index, turns] of inClass('turns').entries()) memory.contiguous(`turns.${index}`, 'turns', [turns])
  const streams = inClass('stream')
  memory.numbered('streams', new Map(streams.flatMap((v) => (v.class.kind === 'stream' ? [[v, v.class.stream]] : []))))
  memory.colored('states', 'states', placePersistent(orderStates(program, inClass('state')), sides))
  memory.colored('carried', 'carried', placePersistent(inClass('carried'), sides))
  for (const pool of [...new Set(entries.map((e) => e.pool))]) {
    const members = entries.filter((e) => e.pool === pool)
    const results = uniqueValues(members).filter((v) => v.class.kind === 'result')
    memory.colored(`${pool}.results`, 'results', placePersistent(results, sides))
    memory.colored(`${pool}.activations`, 'activations', placeIntermediates(members, sides))
  }

  const locate = (value: MemoryValue): { arena: number; offset: Dim } => {
    const c = value.class
    switch (c.kind) {
      case 'parameter':
        return { arena: memory.indexOf('parameters'), offset: dim(variables.offsets.get(c.path)!) }
      case 'half':
        return { arena: memory.indexOf('half'), offset: dim(variables.offsets.get(c.path)! / 2) }
      case 'gradient':
        return { arena: memory.indexOf('gradients'), offset: dim(variables.offsets.get(c.path)!) }
      case 'flat': {
        const start = c.group === 'all' ? 0 : variables.groups.get(c.group.index)!.offset
        if (c.arena !== 'moments') return { arena: memory.indexOf(c.arena), offset: dim(start) }
        return {
          arena: memory.indexOf('moments'),
          offset: dim(moments.offsets.get(momentKey((c.group as UpdateGroup).index, c.moment!))!),
        }
      }
      default:
        return memory.place(value)
    }
  }

  const pipelines = new PipelineTable()
  const dispatches = new Dispatches(pipelines, locate)
  const abiEntries = entries.map((entry): Entry => {
    const loops = entry.loops.map(
      ({ first, end, count, reverse }): EntryLoop => ({ first, end, count: toSize(count), reverse }),
    )
    const recurrences = entry.recurrences.map(
      (r): EntryRecurrence => ({
        first: r.first,
        end: r.end,
        count: toSize(r.count),
        origins: factsOf(r.kernel).origins,
        ...(r.stop && { stop: explainScanStop(r.stop) }),
      }),
    )
    return {
      name: entry.name,
      inputs: entry.inputs.map(nameOf),
      outputs: entry.results.map(nameOf),
      dispatches: dispatches.of(entry),
      ...(loops.length > 0 && { loops }),
      ...(recurrences.length > 0 && { recurrences }),
    }
  })

  const overfull: { kernel: ScanKernel; count: number }[] = []
  for (const [e, { stages }] of entries.entries())
    for (let at = 0; at < stages.length; at++) {
      const { kernel } = stages[at]!
      if (kernel.kind !== 'scan') continue
      const count = abiEntries[e]!.dispatches[at]!.bindings.length
      if (count > maxBindings) overfull.push({ kernel, count })
    }

  const slot = (name: string, role: TensorSlot['role'], value: MemoryValue): TensorSlot => {
    const { arena, offset } = locate(value)
    return {
      name,
      role,
      arena,
      offset: toSize(offset),
      shape: value.shape.map(toSize),
      dtype: value.dtype,
      storage: value.storage,
    }
  }
  const tensors: TensorSlot[] = []
  for (const value of all) {
    const c = value.class
    if (c.kind === 'batch') tensors.push(slot(c.name, c.role, value))
    else if (c.kind === 'result') tensors.push(slot(c.name, c.role as TensorSlot['role'], value))
  }
  for (const [role, list, arenaOf] of [
    ['parameter', program.parameters, 'parameters'],
    ['gradient', training ? program.parameters.filter((p) => p.trainable) : [], 'gradients'],
  ] as const)
    for (const p of list)
      tensors.push({
        name: role === 'gradient' ? `grad.${p.path}` : p.path,
        role,
        arena: memory.indexOf(arenaOf),
        offset: variables.offsets.get(p.path)!,
        shape: p.shape,
        dtype: p.dtype,
        storage: storageOf(p.dtype),
      })
  for (const value of inClass('state'))
    if (value.class.kind === 'state') tensors.push(...stateSlots(program, slot(value.class.path, 'state', value)))
  for (const value of inClass('carried')) tensors.push(slot(nameOf(value), 'carried', value))
  for (const record of moments.records)
    tensors.push({
      name: record.name,
      role: 'moment',
      arena: memory.indexOf('moments'),
      offset: record.offset,
      shape: [record.elements],
      dtype: 'float',
      storage: 'f32',
    })

  const usedStates = new Set(inClass('state').map(nameOf))
  const compiled: Omit<CompiledProgram, 'footprint'> = {
    abi: 1,
    name: program.name,
    dims: program.dims,
    ...(program.requirements.length > 0 && {
      requirements: program.requirements.map(({ size, says }) => ({ size: toSize(size), says })),
    }),
    arenas: memory.arenas(),
    tensors,
    pipelines: pipelines.list,
    entries: abiEntries,
    parameters: program.parameters.map(asRecord),
    states: program.states.filter((s) => usedStates.has(s.part?.of ?? s.path)).map(asRecord),
    moments: moments.records.map(
      (r): MomentRecord => ({ name: r.name, arena: memory.indexOf('moments'), initial: r.initial }),
    ),
    stepBlock: inClass('step').flatMap((v) => stepFields(v, locate(v).offset.constant!)),
    ...(pipelines.functions.length > 0 && options.link && { wasm: options.link(pipelines.functions) }),
  }
  return { compiled, overfull }
}

/** What the runtime knows of a variable: a name, wherever it lies. */
const asRecord = ({ part: _, ...record }: LoweredVariable): VariableRecord => record
