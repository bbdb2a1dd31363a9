/**
 * Fused entries → a compiled program: every tensor gets a place, every kernel its bindings, and the footprint is
 * certified: exact bytes as polynomials in the free dims.
 *
 * before: kernels over graph values        after: arenas, offsets, pipelines, dispatches (`CompiledProgram`)
 */

import { position } from '../../grammar/source.ts'
import type {
  Arena,
  Binding,
  CompiledProgram,
  Dispatch,
  Entry,
  EntryLoop,
  EntryRecurrence,
  MomentRecord,
  Pipeline,
  Size,
  TensorSlot,
  VariableRecord,
} from '../../runtime/abi.ts'
import { addSizes } from '../../runtime/abi.ts'
import { textOfBytes, toBase64 } from '../base64.ts'
import { explainScanStop } from '../diagnostics/scan-stops.ts'
import { add, type Dim, dim, multiply, substitute, subtract } from '../ir/dim.ts'
import type { Kernel, ScanKernel } from '../ir/kernel.ts'
import type { ScanStop } from '../ir/scan-stop.ts'
import type {
  EmittedStage,
  Link,
  LoweredProgram,
  LoweredVariable,
  ScanStage,
  SizedFunction,
  UpdateGroup,
} from '../lowered.ts'
import { opOf } from '../ops/registry.ts'
import { arrange } from './arrange.ts'
import { certify } from './footprint.ts'
import { opposites, type Place, placeIntermediates, placePersistent } from './place.ts'
import { alignment, roundUp, storageOf, toSize, total } from './sizes.ts'
import {
  type Emit,
  type FusedEntry,
  type Loop,
  type MemoryValue,
  type Stage,
  type StagedEntry,
  stageEntry,
} from './stages.ts'

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
  const values = new Map<string, MemoryValue>()
  const entries = fused.map((entry) => stageEntry(entry, lengths, emit, values))
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
  const abiEntries = entries.map((entry): Entry => {
    const dispatches = entry.stages.map((stage, at) => toDispatch(stage, at, entry.loops, pipelines, locate))
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
      dispatches,
      ...(loops.length > 0 && { loops }),
      ...(recurrences.length > 0 && { recurrences }),
    }
  })

  const overfull: { kernel: ScanKernel; count: number }[] = []
  for (const [e, { stages }] of entries.entries())
    for (const [at, { kernel }] of stages.entries()) {
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

// ---------------------------------------------------------------- parameters and moments

interface ParameterLayout {
  readonly offsets: ReadonlyMap<string, number>
  readonly groups: ReadonlyMap<number, { readonly offset: number; readonly elements: number }>
  readonly bytes: number
  readonly trainableElements: number
}

const aligned = (bytes: number, to = alignment) => Math.ceil(bytes / to) * to

/** Groups first, each a contiguous run, frozen parameters last: the optimizer's arenas then need no holes for them. */
function layOutParameters(program: LoweredProgram, parameterAlignment: number): ParameterLayout {
  const byPath = new Map(program.parameters.map((p) => [p.path, p]))
  const offsets = new Map<string, number>()
  const groups = new Map<number, { offset: number; elements: number }>()
  let end = 0
  const put = (path: string) => {
    const { shape, part } = byPath.get(path)!
    // The layers of a stack lie without gaps: together they are one tensor.
    if (!part || part.index === 0) end = aligned(end, parameterAlignment)
    if (part?.index === 0) offsets.set(part.of, end)
    offsets.set(path, end)
    end += shape.reduce((a, b) => a * b, 4)
  }
  for (const group of program.groups) {
    end = aligned(end, parameterAlignment)
    const offset = end
    group.parameters.forEach(put)
    end = aligned(end, parameterAlignment)
    groups.set(group.index, { offset, elements: group.parameters.length === 0 ? 1 : (end - offset) / 4 })
  }
  const trainableElements = end / 4
  for (const { path } of program.parameters) if (!offsets.has(path)) put(path)
  end = aligned(end, parameterAlignment)
  return { offsets, groups, bytes: end, trainableElements }
}

const momentKey = (group: number, moment: string) => `${group} ${moment}`

function layOutMoments(program: LoweredProgram, groups: ParameterLayout['groups']) {
  const offsets = new Map<string, number>()
  const records: { name: string; offset: number; elements: number; initial: number }[] = []
  let bytes = 0
  for (const group of program.groups)
    for (const moment of group.moments) {
      const elements = groups.get(group.index)!.elements
      offsets.set(momentKey(group.index, moment.name), bytes)
      records.push({ name: `moment.${moment.name}.${group.index}`, offset: bytes, elements, initial: moment.initial })
      bytes += aligned(elements * 4)
    }
  return { offsets, records, bytes }
}

// ---------------------------------------------------------------- arenas

/** Collects arenas and the places of values in them. */
class Memory {
  private readonly list: { name: string; role: Arena['role']; bytes: Dim; contents?: readonly MemoryValue[] }[] = []
  private readonly places = new Map<MemoryValue, { arena: number; offset: Dim }>()
  private readonly named = new Map<string, number>()

  fixed(name: string, role: Arena['role'], bytes: Dim): void {
    this.named.set(name, this.list.length)
    this.list.push({ name, role, bytes })
  }
  contiguous(name: string, role: Arena['role'], values: readonly MemoryValue[]): void {
    if (values.length === 0) return
    let end = dim(0)
    for (const value of values) {
      this.places.set(value, { arena: this.list.length, offset: end })
      end = add(end, roundUp(value.bytes, alignment))
    }
    this.list.push({ name, role, bytes: end, ...(role === 'constants' && { contents: values }) })
  }
  colored(
    name: string,
    role: Arena['role'],
    placed: { places: ReadonlyMap<MemoryValue, Place>; sizes: readonly Dim[] },
  ): void {
    const first = this.list.length
    placed.sizes.forEach((bytes, color) => {
      this.list.push({ name: `${name}.${color}`, role, bytes })
    })
    for (const [value, { color, offset }] of placed.places) this.places.set(value, { arena: first + color, offset })
  }
  /** Of an arena of fixed contents. */
  indexOf(name: string): number {
    return this.named.get(name) ?? -1
  }
  place(value: MemoryValue): { arena: number; offset: Dim } {
    const place = this.places.get(value)
    if (!place) throw new Error(`no place for ${value.key}`)
    return place
  }
  /** Each arena ends with one spare unit, so that a tensor without elements can still be bound. */
  arenas(): Arena[] {
    return this.list.map(({ name, role, bytes, contents }) => ({
      name,
      role,
      bytes: toSize(add(bytes, dim(alignment))),
      ...(contents && { contents: encodeConstants(contents, (v) => this.place(v).offset.constant!) }),
    }))
  }
}

function encodeConstants(values: readonly MemoryValue[], offsetOf: (value: MemoryValue) => number): string {
  const end = Math.max(...values.map((v) => offsetOf(v) + v.bytes.constant!))
  const bytes = new DataView(new ArrayBuffer(end))
  for (const value of values) {
    if (value.class.kind !== 'constant') continue
    const start = offsetOf(value)
    const { data } = value.class
    for (let i = 0; i < data.length; i++) {
      if (value.storage === 'f32') bytes.setFloat32(start + 4 * i, data[i]!, true)
      else if (value.storage === 'i32') bytes.setInt32(start + 4 * i, data[i]!, true)
      else bytes.setUint32(start + 4 * i, data[i]!, true)
    }
  }
  return toBase64(new Uint8Array(bytes.buffer))
}

// ---------------------------------------------------------------- values

function uniqueValues(entries: readonly StagedEntry[]): MemoryValue[] {
  const values = new Set<MemoryValue>()
  for (const { stages } of entries)
    for (const { bindings } of stages) for (let i = 0; i < bindings.length; i++) values.add(bindings[i]!.value)
  return [...values]
}

function nameOf(value: MemoryValue): string {
  const c = value.class
  return c.kind === 'batch' || c.kind === 'result' || c.kind === 'step' || c.kind === 'carried'
    ? c.name
    : c.kind === 'parameter' || c.kind === 'state'
      ? c.path
      : value.key
}

/** The layers of a stack have their states in one tensor, a slot for each. */
function stateSlots(program: LoweredProgram, whole: TensorSlot): TensorSlot[] {
  const parts = program.states.filter(({ part }) => part?.of === whole.name)
  if (parts.length === 0) return [whole]
  return parts.map(({ path, shape, part }) => ({
    ...whole,
    name: path,
    shape,
    offset: addSizes(whole.offset, part!.index * shape.reduce((a, b) => a * b, 4)),
  }))
}

const orderStates = (program: LoweredProgram, values: readonly MemoryValue[]): MemoryValue[] => {
  const rank = new Map(program.states.map((s, i) => [s.part?.of ?? s.path, i]))
  return [...values].sort((a, b) => rank.get(nameOf(a))! - rank.get(nameOf(b))!)
}
const orderStepFields = (values: readonly MemoryValue[]): MemoryValue[] =>
  [...values].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))

function stepFields(value: MemoryValue, offset: number) {
  const name = nameOf(value)
  const storage = value.storage === 'u32' ? ('u32' as const) : ('f32' as const)
  // The key of random streams is two words: the run's seed and the number of the step.
  if (name === 'key')
    return [
      { name: 'seed', storage, offset },
      { name: 'counter', storage, offset: offset + 4 },
    ]
  return [{ name, storage, offset }]
}

// ---------------------------------------------------------------- dispatches

/** A pipeline, and the workgroups of a dispatch that runs it. */
interface Sized {
  readonly pipeline: number
  readonly workgroups: Dispatch['workgroups']
}

class PipelineTable {
  readonly list: Pipeline[] = []
  readonly functions: SizedFunction[] = []
  /** By text, then by the sizes in it. */
  private readonly index = new Map<string, Map<string, number>>()
  /** Those of kernels that were printed once, by the sizes that a phase fixes. */
  private readonly known = new Map<EmittedStage | ScanStage, Map<Stage['fixed'], Sized>>()

  of(emitted: EmittedStage | ScanStage, given: Stage['fixed']): Sized {
    const fixed = given.size === 0 ? nothing : given
    const alike = this.known.get(emitted) ?? new Map<Stage['fixed'], Sized>()
    const known = alike.get(fixed)
    if (known) return known
    const size = (d: Dim): Size => toSize(substitute(d, fixed))
    const { name, wgsl, workgroup, features, code } = emitted
    const pipeline = this.add(
      {
        name,
        wgsl,
        constants: Object.fromEntries([...emitted.constants].map(([constant, d]) => [constant, size(d)])),
        workgroup,
        features,
      },
      code && { ...code, sizes: code.sizes.map(({ at, dim: d }) => ({ at, size: size(d) })) },
    )
    const [x, y, z] = emitted.workgroups
    const made: Sized = { pipeline, workgroups: [size(x), size(y), size(z)] }
    this.known.set(emitted, alike.set(fixed, made))
    return made
  }

  private add(pipeline: Pipeline, code: SizedFunction['code'] | undefined): number {
    const text = code ? textOfCode(code) : pipeline.wgsl
    const sizes = JSON.stringify(code ? code.sizes : pipeline.constants)
    const alike = this.index.get(text) ?? new Map<string, number>()
    const known = alike.get(sizes)
    if (known !== undefined) return known
    this.index.set(text, alike.set(sizes, this.list.length))
    if (code) {
      const name = `k${this.functions.length}`
      this.functions.push({ code, export: name })
      this.list.push({ ...pipeline, wasm: { export: name } })
    } else this.list.push(pipeline)
    return this.list.length - 1
  }
}
const nothing: Stage['fixed'] = new Map()

/** What a function is but for its sizes. Kernels of one structure share their bytes, which become text once. */
function textOfCode({ bytes, calls, parameters, locals }: SizedFunction['code']): string {
  let text = textsOfCode.get(bytes)
  if (text === undefined) {
    text = `${textOfBytes(bytes)} ${JSON.stringify([calls, parameters, locals])}`
    textsOfCode.set(bytes, text)
  }
  return text
}
const textsOfCode = new WeakMap<Uint8Array, string>()

function toDispatch(
  stage: Stage,
  at: number,
  loops: readonly Loop[],
  pipelines: PipelineTable,
  locate: (value: MemoryValue) => { arena: number; offset: Dim },
): Dispatch {
  const around = loops.filter(({ first, end }) => first <= at && at < end)
  const repeats = multiply(...around.map((loop) => loop.count))
  const { flops, origins, stops } = factsOf(stage.kernel)
  const { emitted, bindings } = arrange(stage, locate)
  const { pipeline, workgroups } = pipelines.of(emitted, stage.fixed)
  const moved = new Map<MemoryValue, Dim>()
  for (const { value, moved: some } of stage.bindings) moved.set(value, some ?? value.bytes)
  return {
    pipeline,
    bindings: bindings.map(({ value, access, end }): Binding => {
      const { arena, offset } = locate(value)
      // The innermost loop of these turns is the one whose number the kernel reads.
      const turn =
        value.class.kind === 'turns' ? loops.findLastIndex((loop) => around.includes(loop) && loop.turns === value) : -1
      if (turn >= 0) return { arena, offset: toSize(offset), bytes: 16, access, turn }
      const bytes = end ? subtract(end, offset) : roundUp(value.bytes, 16)
      return { arena, offset: toSize(offset), bytes: toSize(bytes), access }
    }),
    workgroups,
    label: emitted.name,
    flops: stage.first ? toSize(multiply(repeats, substitute(flops, stage.fixed))) : 0,
    bytes: toSize(multiply(repeats, total(moved.values()))),
    ...(around.length > 0 && { repeats: toSize(repeats) }),
    origins,
    stops,
  }
}

/** What a plan says of a kernel: the same for each target and each time that it is run. */
interface KernelFacts {
  /** A recurrence in one kernel does the work of its body in every turn. */
  readonly flops: Dim
  /** `convnet.dlm:14`, in the user's own files first, each once. */
  readonly origins: readonly string[]
  readonly stops: readonly string[]
}

function factsOf(kernel: Kernel | ScanKernel): KernelFacts {
  const known = facts.get(kernel)
  if (known) return known
  const flops = total(kernel.nodes.map((node) => opOf(node).cost(node, node.attributes as never).flops))
  const made: KernelFacts = {
    flops: kernel.kind === 'scan' ? multiply(kernel.time.extent, flops) : flops,
    origins: originLines(kernel),
    stops: [...new Set(kernel.stops.map(({ reason }) => reason))],
  }
  facts.set(kernel, made)
  return made
}
const facts = new WeakMap<Kernel | ScanKernel, KernelFacts>()

function originLines({ origins }: Kernel | ScanKernel): readonly string[] {
  const lines = new Set<string>()
  for (const { span } of origins) lines.add(`${span.source.path}:${position(span.source, span.start).line}`)
  const own = [...lines].filter((l) => !l.startsWith('std/'))
  return own.length > 0 ? own : [...lines]
}
