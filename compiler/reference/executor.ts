/**
 * The reference interpreter in a device's place: runs the lowered graphs phase by phase, with the semantics of a WebGPU
 * session (variables, moments and gradients keep their values by name; scalars are collected run by run).
 */
import { type CompiledProgram, type DimValues, scalarsOf, type TensorSlot } from '../../runtime/abi.ts'
import { DimError, DisposedError, NameError } from '../../runtime/errors.ts'
import type {
  DeviceDescription,
  Executor,
  OpenOptions,
  ScalarRow,
  StepValues,
  TensorData,
} from '../../runtime/executor.ts'
import { checkDims } from '../../runtime/size.ts'
import type { Node, Result } from '../ir/graph.ts'
import type { LoweredEntry, LoweredPhase, LoweredProgram } from '../lowered.ts'
import type { Value } from '../ops/op.ts'
import { evaluationContext, evaluationOrder, type Precision } from './evaluate.ts'
import { flatRange, Storage } from './storage.ts'

export interface ReferenceOptions extends OpenOptions {
  readonly precision: Precision
  readonly description: DeviceDescription
}

export async function openReference(
  lowered: LoweredProgram,
  program: CompiledProgram,
  options: ReferenceOptions,
): Promise<Executor> {
  const entries = new Map(options.entries.map((name) => [name, prepareEntry(lowered, name)]))
  const storage = new Storage(program, lowered, options.dims, options.precision)
  const scalarNames = new Set(scalarsOf(program, options.entries))
  const stepValues = new Map<string, number>()
  const variants = [options.dims, ...(options.variants ?? []).map(({ dims }) => ({ ...options.dims, ...dims }))]
  for (const dims of variants) checkDims(program, dims)
  const allowed = new Set(variants.map((dims) => bindingKey(program, dims)))
  let rows: ScalarRow[] = []
  let outputs = new Map<string, Value>()
  let ticket = 0
  let disposed = false

  const check = () => {
    if (disposed) throw new DisposedError(program.name)
  }
  const slotOf = (name: string): TensorSlot =>
    program.tensors.find((slot) => slot.name === name) ??
    unknown(
      'tensor',
      name,
      program.tensors.map((slot) => slot.name),
    )

  return {
    device: options.description,
    program,
    dims: options.dims,
    allocatedBytes: storage.bytes,
    lost: new Promise<string>(() => undefined),

    write(name, data, dims) {
      check()
      storage.write(slotOf(name), data, { ...options.dims, ...dims })
    },

    async read(name, dims, into): Promise<TensorData> {
      check()
      const output = outputs.get(name)
      const read = toHost(
        output ? output.data : storage.read(slotOf(name), { ...options.dims, ...dims }),
        output?.dtype ?? slotOf(name).dtype,
      )
      into?.set(read)
      return into ?? read
    },

    async run(entry, step: StepValues = {}, dims) {
      check()
      const phases = entries.get(entry) ?? unknown('entry', entry, [...entries.keys()])
      const bindings = { ...options.dims, ...dims }
      if (!allowed.has(bindingKey(program, bindings)))
        throw new DimError(
          `the session was not opened for '${entry}' with ${JSON.stringify(dims)}`,
          'name it in `variants` when opening',
        )
      for (const [name, value] of Object.entries(step)) stepValues.set(name, value)
      outputs = new Map()
      for (const phase of phases) runPhase(phase, entry, storage, bindings, stepValues, outputs, options.precision)
      const values = [...outputs]
        .filter(([name]) => scalarNames.has(name))
        .map(([name, { data }]) => [name, data[0]!] as const)
      rows.push({ ticket: ++ticket, values: Object.fromEntries(values) })
      // Lets timers, signals and prefetching have their turn between two steps.
      await new Promise<void>((resolve) => setTimeout(resolve, 0))
      return ticket
    },

    async scalars() {
      check()
      const taken = rows
      rows = []
      return taken
    },

    dispose() {
      disposed = true
      storage.release()
      outputs.clear()
    },
  }
}

interface PreparedPhase {
  readonly phase: LoweredPhase
  readonly results: readonly Result[]
  readonly order: ReturnType<typeof evaluationOrder>
}

function prepareEntry(lowered: LoweredProgram, name: string): readonly PreparedPhase[] {
  const entry: LoweredEntry =
    lowered.entries.find((e) => e.name === name) ??
    unknown(
      'entry',
      name,
      lowered.entries.map((e) => e.name),
    )
  return entry.phases.map((phase) => {
    const { results } = phase.graph
    return { phase, results, order: evaluationOrder(results.map((result) => result.node)) }
  })
}

function runPhase(
  { phase, results, order }: PreparedPhase,
  entry: string,
  storage: Storage,
  dims: DimValues,
  steps: ReadonlyMap<string, number>,
  outputs: Map<string, Value>,
  precision: Precision,
): void {
  const bindings = new Map(Object.entries(dims))
  const range = phase.flat === undefined ? undefined : flatRange(storage.program, phase.flat)
  if (range) bindings.set('N', range.elements)
  const held = new Set<ArrayBufferLike>()
  const context = evaluationContext({
    dims: bindings,
    precision,
    leaf: (node) => {
      const value = (data: Value['data']): Value => {
        held.add(data.buffer)
        return { shape: node.shape.map(context.size), dtype: node.dtype, data }
      }
      switch (node.op) {
        case 'parameter':
        case 'state':
          return value(storage.variable(node.attributes.path))
        case 'input': {
          const { name, role } = node.attributes
          if (range && name === 'param') return value(storage.flat('parameters', range))
          if (range && name === 'grad') return value(storage.flat('gradients', range))
          if (role === 'carried') return value(storage.variable(name))
          if (role === 'moment') return value(storage.moment(name, phase))
          if (role === 'step') return outputs.get(name) ?? stepLeaf(node, phase, steps, context.allocate)
          return value(storage.batch(name, dims))
        }
        default:
          throw new Error(`${node.op} is no leaf that a session holds`)
      }
    },
  })

  // A result that is (a view of) something held is copied before the first one is written: it is that thing's old value.
  const values = order
    .run(context)
    .map((value) => (held.has(value.data.buffer) ? { ...value, data: value.data.slice() } : value))
  for (const [index, { name, role, replaces }] of results.entries()) {
    const { data, dtype, shape } = values[index]!
    if (role === 'gradient' && entry === 'step') storage.variable(name).set(data)
    else if (!replaces) outputs.set(name, { data, dtype, shape })
  }
  for (const [index, { replaces }] of results.entries()) {
    if (replaces) context.leaf(replaces).data.set(values[index]!.data)
  }
}

/** A field of the step block, as a tensor. */
function stepLeaf(
  node: Node<'input'>,
  phase: LoweredPhase,
  steps: ReadonlyMap<string, number>,
  allocate: (dtype: Node['dtype'], elements: number) => Value['data'],
): Value {
  const { name } = node.attributes
  const data = allocate(node.dtype, name === 'key' ? 2 : 1)
  const group = phase.flat === undefined || phase.flat === 'all' ? 0 : phase.flat.index
  // The key of random streams is two words: the run's seed and the number of the step.
  if (name === 'key') data.set([steps.get('seed') ?? 0, steps.get('counter') ?? 0])
  else if (name === 'rate') data[0] = steps.get(`rate.${group}`) ?? (group === 0 ? steps.get('rate') : undefined) ?? 0
  else data[0] = steps.get(name) ?? 0
  return { shape: name === 'key' ? [2] : [], dtype: node.dtype, data }
}

function toHost(data: Value['data'], dtype: Value['dtype']): TensorData {
  switch (dtype) {
    case 'float':
      return Float32Array.from(data)
    case 'int':
      return Int32Array.from(data)
    case 'uint':
    case 'bool':
      return Uint32Array.from(data)
    default:
      return dtype satisfies never
  }
}

const bindingKey = (program: CompiledProgram, dims: DimValues): string => program.dims.map((name) => dims[name]).join()

function unknown(what: string, name: string, known: readonly string[]): never {
  throw new NameError(what, name, known)
}
