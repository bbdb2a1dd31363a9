/**
 * Fused phases → one flat list of stages per entry: what each dispatch reads and writes, as memory values.
 *
 * A *value* is what gets a place: a leaf (by name), a result, an intermediate or a scratch tensor. Values are shared
 * between entries only through names.
 */
import type { EmittedKernel, EmittedStage, FusedPhase, LoweredProgram, UpdateGroup } from '../lowered.ts'
import { type Dim, dim, product, scale, substitute } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import type { Kernel, MapKernel } from '../ir/kernel.ts'
import { bytesOf, storageOf } from './sizes.ts'
import type { Storage } from '../../runtime/abi.ts'

export type ValueClass =
  | { readonly kind: 'batch'; readonly name: string; readonly role: 'input' | 'target' }
  | { readonly kind: 'step'; readonly name: string }
  | { readonly kind: 'parameter'; readonly path: string }
  | { readonly kind: 'gradient'; readonly path: string }
  | { readonly kind: 'flat'; readonly arena: 'parameters' | 'gradients' | 'moments'; readonly group: UpdateGroup | 'all'; readonly moment?: string }
  | { readonly kind: 'state'; readonly path: string }
  | { readonly kind: 'result'; readonly name: string; readonly role: Result['role'] }
  | { readonly kind: 'constant'; readonly node: Node }
  | { readonly kind: 'intermediate' }

export interface MemoryValue {
  readonly key: string
  readonly class: ValueClass
  readonly bytes: Dim
  readonly storage: Storage
  readonly shape: readonly Dim[]
  readonly dtype: Node['dtype']
}

export interface Stage {
  readonly emitted: EmittedStage
  readonly kernel: Kernel
  /** First stage of its kernel: carries the kernel's cost. */
  readonly first: boolean
  readonly bindings: readonly { readonly value: MemoryValue; readonly access: 'read' | 'write' }[]
  /** Values of symbols that are fixed for this phase (`N` of a flat phase). */
  readonly fixed: ReadonlyMap<string, Dim>
}

export interface StagedEntry {
  readonly name: string
  readonly pool: string
  readonly stages: readonly Stage[]
  readonly inputs: readonly MemoryValue[]
  readonly results: readonly MemoryValue[]
}

export interface FusedEntry {
  readonly name: string
  readonly phases: readonly FusedPhase[]
}

/** Entries whose storage is shared: evaluation runs between training steps, never beside them. */
const poolOf = (entry: string): string => (entry === 'step' || entry === 'evaluate' ? 'training' : entry)

export function stageEntry(
  entry: FusedEntry,
  program: LoweredProgram,
  lengths: (group: UpdateGroup | 'all') => number,
  emit: (kernel: Kernel, sizes: ReadonlyMap<string, Dim>) => EmittedKernel,
  /** Values by key, shared by all entries of a program: equal names are one value. */
  values: Map<string, MemoryValue>,
): StagedEntry {
  const pool = poolOf(entry.name)
  const stages: Stage[] = []
  const produced = new Map<string, MemoryValue>()
  const intern = (made: MemoryValue): MemoryValue => {
    const known = values.get(made.key)
    if (known) return known
    values.set(made.key, made)
    return made
  }

  entry.phases.forEach((phase, phaseIndex) => {
    const fixed = new Map<string, Dim>()
    if (phase.flat !== undefined) fixed.set('N', dim(lengths(phase.flat)))
    const make = (key: string, valueClass: ValueClass, node: Node): MemoryValue =>
      intern({
        key,
        class: valueClass,
        bytes: substitute(bytesOf(node), fixed),
        storage: storageOf(node.dtype),
        shape: node.shape.map((d) => substitute(d, fixed)),
        dtype: node.dtype,
      })

    const leafValue = (node: Node): MemoryValue | undefined => {
      switch (node.op) {
        case 'parameter':
          return make(`parameter ${node.attributes.path}`, { kind: 'parameter', path: node.attributes.path }, node)
        case 'state':
          return make(`state ${node.attributes.path}`, { kind: 'state', path: node.attributes.path }, node)
        case 'literal':
          return make(`constant ${node.dtype} ${JSON.stringify(node.attributes.shape)} ${node.attributes.data.join()}`, { kind: 'constant', node }, node)
        case 'input':
          return inputValue(node)
        default:
          return undefined
      }
    }
    const inputValue = (node: Node<'input'>): MemoryValue => {
      const { name, role } = node.attributes
      if (phase.flat !== undefined) {
        const group = phase.flat
        const tag = group === 'all' ? 'all' : String(group.index)
        if (name === 'param') return make(`flat parameters ${tag}`, { kind: 'flat', arena: 'parameters', group }, node)
        if (name === 'grad') return make(`flat gradients ${tag}`, { kind: 'flat', arena: 'gradients', group }, node)
        if (role === 'moment') return make(`flat moments ${tag} ${name}`, { kind: 'flat', arena: 'moments', group, moment: name }, node)
      }
      const earlier = produced.get(name)
      if (role === 'step') {
        if (earlier) return earlier
        const field = name === 'rate' && phase.flat !== undefined && phase.flat !== 'all' ? `rate.${phase.flat.index}` : name
        return make(`step ${field}`, { kind: 'step', name: field }, node)
      }
      return make(`batch ${name}`, { kind: 'batch', name, role: role === 'target' ? 'target' : 'input' }, node)
    }

    // Results claim their nodes; a node that is several results is written once and copied to the others.
    const placed = new Map<Node, MemoryValue>()
    const copies: { from: Node; to: MemoryValue }[] = []
    for (const result of phase.graph.results) {
      const target = resultValue(entry.name, pool, result, make, leafValue)
      if (result.role === 'metric' || result.role === 'loss') produced.set(result.name, target)
      if (leafValue(result.node) || placed.has(result.node)) {
        if (leafValue(result.node) !== target) copies.push({ from: result.node, to: target })
      } else placed.set(result.node, target)
    }
    const valueOf = (node: Node): MemoryValue =>
      leafValue(node) ?? placed.get(node) ?? make(`${entry.name} ${phaseIndex} %${node.id}`, { kind: 'intermediate' }, node)

    // A new value may replace a leaf only after the leaf's last reader: otherwise it is made aside and copied there last.
    for (const { node, replaces } of phase.graph.results) {
      const target = replaces && placed.get(node)
      if (!replaces || !target || leafValue(replaces) !== target) continue
      const writer = phase.kernels.findIndex((k) => k.slots.some((s) => s.access !== 'read' && (s.node === node || s.node === replaces)))
      const readsLater = phase.kernels.some((k, at) => at > writer && k.slots.some((s) => s.node === replaces && s.access !== 'write'))
      const readsBeside = phase.kernels[writer]?.slots.some((s) => s.node === replaces && s.access === 'read')
      if (!readsLater && !readsBeside) continue
      if (phase.kernels[writer]?.slots.some((s) => s.access === 'update' && (s.node === node || s.node === replaces)))
        throw new Error(`${phase.graph.name}: a later kernel reads a leaf that was updated in place`)
      placed.delete(node)
      copies.push({ from: node, to: target })
    }

    // A gradient that another gradient's kernel reads cannot stay in the gradients' arena: it is copied there last.
    for (const kernel of phase.kernels) {
      const fixedArena = (v: MemoryValue | undefined) => v?.class.kind === 'gradient' || v?.class.kind === 'flat'
      const writes = kernel.slots.filter((s) => s.access !== 'read').map((s) => s.node)
      if (!writes.some((n) => fixedArena(placed.get(n)))) continue
      for (const slot of kernel.slots) {
        const value = placed.get(slot.node)
        if (slot.access !== 'read' || !value || value.class.kind !== 'gradient') continue
        placed.delete(slot.node)
        copies.push({ from: slot.node, to: value })
      }
    }

    const place = (kernel: Kernel, slotValues: readonly MemoryValue[]) => {
      const emitted = emit(kernel, fixed)
      const scratch = emitted.scratch.map((s, i) =>
        intern({
          key: `${entry.name} ${phaseIndex} scratch ${stages.length} ${i}`,
          class: { kind: 'intermediate' },
          bytes: substitute(scale(s.elements, 4), fixed),
          storage: s.storage,
          shape: [substitute(s.elements, fixed)],
          dtype: s.storage === 'f32' ? 'float' : s.storage === 'i32' ? 'int' : 'uint',
        }),
      )
      emitted.stages.forEach((stage, at) => {
        stages.push({
          emitted: stage,
          kernel,
          first: at === 0,
          fixed,
          bindings: stage.bindings.map(({ target, access }) => ({
            value: target.kind === 'slot' ? slotValues[target.slot]! : scratch[target.scratch]!,
            access,
          })),
        })
      })
    }
    for (const kernel of phase.kernels) place(kernel, kernel.slots.map((slot) => valueOf(slot.node)))
    for (const { from, to } of copies) place(copyKernel(from), [valueOf(from), to])
  })

  const inputs = new Set<MemoryValue>()
  const results = new Set<MemoryValue>()
  for (const stage of stages)
    for (const { value, access } of stage.bindings) {
      if (value.class.kind === 'batch') inputs.add(value)
      if (access === 'write' && value.class.kind === 'result') results.add(value)
    }
  return { name: entry.name, pool, stages, inputs: [...inputs], results: [...results] }
}

function resultValue(
  entry: string,
  pool: string,
  result: Result,
  make: (key: string, valueClass: ValueClass, node: Node) => MemoryValue,
  leafValue: (node: Node) => MemoryValue | undefined,
): MemoryValue {
  const { name, role, node, replaces } = result
  if (replaces) return leafValue(replaces)!
  // Only a training step keeps its gradients in the arena that the optimizer reads as one flat run.
  if (role === 'gradient' && entry === 'step') return make(`gradient ${name}`, { kind: 'gradient', path: name.slice('grad.'.length) }, node)
  return make(`result ${pool} ${name}`, { kind: 'result', name, role }, node)
}

/** `to[i] = from[i]`. */
function copyKernel(from: Node): MapKernel {
  const axis = { name: 'i', extent: product(from.shape) }
  const index = { kind: 'axis', axis } as const
  return {
    kind: 'map',
    name: 'copy',
    axes: [axis],
    slots: [
      { node: from, access: 'read' },
      { node: from, access: 'write' },
    ],
    stores: [{ slot: 1, index, value: { kind: 'load', slot: 0, index, dtype: from.dtype } }],
    nodes: [],
    origins: [],
    stops: [],
  }
}
