/** Graph → fused kernels → WGSL → the test adapter: values of the results, and of the same graph on the reference with bounds. */

import { type FuseOptions, fuse } from '../../compiler/5-fuse/fuse.ts'
import { emitWasm } from '../../compiler/7-emit/wasm/emit.ts'
import { emitKernel } from '../../compiler/7-emit/wgsl/emit.ts'
import type { Schedule, Target } from '../../compiler/7-emit/wgsl/schedule.ts'
import type { Bindings } from '../../compiler/ir/dim.ts'
import { type Graph, type Node, nodesOf } from '../../compiler/ir/graph.ts'
import type { Kernel } from '../../compiler/ir/kernel.ts'
import type { Value } from '../../compiler/ops/op.ts'
import { lowerOf } from '../../compiler/ops/registry.ts'
import { ownData } from '../../compiler/ops/structure.ts'
import { runOnWasm } from '../wasm/run-kernels.ts'
import { emulateMatrices } from './emulate-matrices.ts'
import { boundedValues } from './error-bound.ts'
import { type DeviceArray, runOnDevice, storageOf } from './run-kernels.ts'

export interface GraphRun {
  readonly graph: Graph
  readonly dims: Bindings
  /** The value of an input, parameter or state leaf. */
  readonly leaf: (node: Node) => Value
}

export interface GraphRunOptions {
  /** `wasm`: in this thread, in ranges of groups that `seed` chooses. */
  readonly target?: Target | 'wasm'
  readonly seed?: number
  readonly subgroup?: number
  readonly schedule?: (kernel: Kernel) => Schedule | undefined
  readonly fuse?: FuseOptions
}

export async function runGraph({ graph, dims, leaf }: GraphRun, options: GraphRunOptions = {}): Promise<DeviceArray[]> {
  const { target = 'cpu-class' } = options
  const kernels = fuse(graph, options.fuse).map((kernel) => {
    if (target === 'wasm') return { kernel, emitted: emitWasm(kernel, new Map()) }
    const schedule = options.schedule?.(kernel)
    const limits = { subgroup: options.subgroup, workgroupInvocations: 256, workgroupBytes: 16384, storageBuffers: 10 }
    return {
      kernel,
      emitted: emulateMatrices(
        emitKernel(kernel, {
          storageOf,
          target,
          limits,
          ...(schedule && { schedule }),
        }),
      ),
    }
  })
  const leaves = new Map<Node, ArrayLike<number>>()
  for (const node of nodesOf(graph.results))
    if (lowerOf(node).kind === 'leaf') leaves.set(node, ownData(node) ?? leaf(node).data)
  // A result that replaces a leaf may have been written over it.
  const inPlace = new Set(
    kernels.flatMap(({ kernel }) => kernel.slots.filter((s) => s.access === 'update').map((s) => s.node)),
  )
  const nodes = graph.results.map(({ node, replaces }) => (replaces && inPlace.has(replaces) ? replaces : node))
  const wanted = [...new Set(nodes)]
  const values =
    target === 'wasm'
      ? runOnWasm(kernels, leaves, dims, wanted, options.seed)
      : await runOnDevice(kernels, leaves, dims, wanted)
  return nodes.map((node) => values.get(node)!)
}

export interface Disagreement {
  readonly result: string
  readonly element: number
  readonly device: number
  readonly reference: number
  readonly bound: number
}

/** Elements of the results where the device is further from the float64 reference than float32 arithmetic explains. */
export async function disagreements(run: GraphRun, options: GraphRunOptions = {}): Promise<Disagreement[]> {
  const device = await runGraph(run, options)
  const exact = boundedValues(
    run.graph.results.map((r) => r.node),
    run,
  )
  const found: Disagreement[] = []
  run.graph.results.forEach(({ name }, i) => {
    const { value, error } = exact[i]!
    if (device[i]!.length !== value.data.length)
      throw new Error(`${name} has ${device[i]!.length} elements, not ${value.data.length}`)
    for (let element = 0; element < value.data.length; element++) {
      const [got, reference, bound] = [device[i]![element]!, value.data[element]!, error[element]!]
      // What float64 leaves open (the mean of nothing), float32 may answer as it likes.
      if (Number.isNaN(reference)) continue
      if (!(Math.abs(got - reference) <= bound)) found.push({ result: name, element, device: got, reference, bound })
    }
  })
  return found
}
