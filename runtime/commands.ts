/**
 * An entry under given dims → what one run of it encodes: pipelines, bind groups and workgroups, all prepared, so that a
 * run creates nothing.
 */
import { type Binding, type CompiledProgram, type DimValues, type Dispatch, type Entry, turnBytes } from './abi.ts'
import type { GpuDevice } from './device.ts'
import { UnsupportedError } from './errors.ts'
import type { Kernels } from './kernels.ts'
import type { SessionMemory } from './memory.ts'
import { evaluate } from './size.ts'
import { bufferUsage } from './usage.ts'

export interface Command {
  readonly pipeline: GPUComputePipeline
  readonly bindings: GPUBindGroup
  readonly workgroups: readonly [number, number, number]
  readonly dispatch: Dispatch
}

/** A dispatch whose pipeline has been asked for. */
interface Prepared {
  readonly key: string
  readonly dispatch: Dispatch
  readonly workgroups: readonly [number, number, number]
  /** The number of the turn of each loop around it, by the loop's place in the entry. */
  readonly turns: readonly number[]
}

/** Dispatches without workgroups are left out. */
export function prepare(
  program: CompiledProgram,
  entry: Entry,
  dims: DimValues,
  device: GpuDevice,
  kernels: Kernels,
): Prepared[] {
  const prepared: Prepared[] = []
  for (const { dispatch, turns } of inOrder(entry, dims)) {
    const size = (axis: 0 | 1 | 2) => evaluate(dispatch.workgroups[axis], dims)
    const workgroups = fold([size(0), size(1), size(2)], device.device.limits.maxComputeWorkgroupsPerDimension)
    const { name } = program.pipelines[dispatch.pipeline]!
    if (!workgroups)
      throw new UnsupportedError(
        `${name} needs more workgroups than ${device.description.name} starts at once`,
        'choose other sizes',
      )
    if (workgroups.some((n) => n === 0)) continue
    prepared.push({ key: kernels.want(dispatch.pipeline, dispatch.bindings, dims), dispatch, workgroups, turns })
  }
  return prepared
}

/** The dispatches as they run, those in loops once for each turn. */
export function inOrder(
  { dispatches, loops = [] }: Entry,
  dims: DimValues,
): { dispatch: Dispatch; turns: readonly number[] }[] {
  const order: { dispatch: Dispatch; turns: readonly number[] }[] = []
  /** `from`: loops before this one have been entered. */
  const walk = (first: number, end: number, from: number, turns: readonly number[]) => {
    for (let at = first; at < end; ) {
      const index = loops.findIndex((loop, i) => i >= from && loop.first === at && loop.end <= end && loop.end > at)
      const loop = loops[index]
      if (!loop) {
        order.push({ dispatch: dispatches[at]!, turns })
        at += 1
        continue
      }
      const count = evaluate(loop.count, dims)
      for (let step = 0; step < count; step++) {
        const inside = [...turns]
        inside[index] = loop.reverse ? count - 1 - step : step
        walk(loop.first, loop.end, index + 1, inside)
      }
      at = loop.end
    }
  }
  walk(0, dispatches.length, 0, [])
  return order
}

/** An x above the limit goes on in y, where y is 1; the kernels count `x + y · number of x`. */
export function fold(
  [x, y, z]: readonly [number, number, number],
  limit: number,
): readonly [number, number, number] | undefined {
  if (y > limit || z > limit) return undefined
  if (x <= limit) return [x, y, z]
  if (y !== 1) return undefined
  const rows = Math.ceil(x / limit)
  return rows > limit ? undefined : [Math.ceil(x / rows), rows, z]
}

/** Makes the commands of one entry; equal bind groups are one, across all calls with the same table. */
export function makeCommands(
  prepared: readonly Prepared[],
  dims: DimValues,
  device: GpuDevice,
  kernels: Kernels,
  memory: SessionMemory,
  groups: Map<string, GPUBindGroup>,
): Command[] {
  let spare: GPUBuffer | undefined
  return prepared.map(({ key, dispatch, workgroups, turns }) => {
    const accesses = dispatch.bindings.map((b) => b.access[0]).join('')
    const places = dispatch.bindings.map((b, at) => {
      const found = place(b, dims, memory, turns)
      // Two tensors without elements may lie at one place, which a dispatch must not bind for writing twice.
      if (!found.size && accesses[at] === 'w') {
        found.buffer = spare ??= device.device.createBuffer({ size: 4096, usage: bufferUsage.storage })
        found.offset = 256 * at
      }
      return found
    })
    const name = `${accesses} ${places.map((p) => `${p.arena}:${p.offset}+${p.size}`).join(' ')}`
    let bindings = groups.get(name)
    if (!bindings) {
      bindings = device.device.createBindGroup({
        layout: kernels.layout(accesses),
        entries: places.map(({ buffer, offset, size }, binding) => ({
          binding,
          resource: { buffer, offset, size: Math.max(leastBinding, size) },
        })),
      })
      groups.set(name, bindings)
    }
    return { pipeline: kernels.pipeline(key), bindings, workgroups, dispatch }
  })
}

/** WebGPU binds at least one element: an empty tensor that is read is bound to what follows it, and its kernels touch nothing. */
const leastBinding = 16

function place(binding: Binding, dims: DimValues, memory: SessionMemory, turns: readonly number[]) {
  const { arena, turn } = binding
  const offset = evaluate(binding.offset, dims) + (turn === undefined ? 0 : turnBytes * turns[turn]!)
  return { arena, buffer: memory.arenas[arena]!, offset, size: evaluate(binding.bytes, dims) }
}
