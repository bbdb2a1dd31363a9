/** The parts of a kernel, whatever its form: its axes by role, its scalars, its stores; and rebuilding it from new ones. */
import type { Node } from '../ir/graph.ts'
import type { Axis, Kernel, Scalar, Store } from '../ir/kernel.ts'
import { withTensors } from '../ir/kernel-key.ts'
import { Scalars } from '../ir/scalars.ts'
import { type Replacement, rewriter, type Visitor, walkIndex, walkScalar } from './scalar-walk.ts'

export function storesOf(kernel: Kernel): readonly Store[] {
  switch (kernel.kind) {
    case 'map':
    case 'contract':
      return kernel.stores
    case 'row':
    case 'attention':
      return [...kernel.stores, ...kernel.results]
    case 'running':
      return [kernel.store]
    case 'scatter':
      return []
    default:
      return kernel satisfies never
  }
}

/** Every scalar of the kernel but those of its stores. */
export function innerScalarsOf(kernel: Kernel): readonly Scalar[] {
  switch (kernel.kind) {
    case 'map':
      return []
    case 'row':
      return kernel.stages.map(({ value }) => value)
    case 'contract':
      return [kernel.left, kernel.right]
    case 'scatter':
      return [kernel.position, kernel.value]
    case 'running':
      return [kernel.value]
    case 'attention':
      return [...(kernel.score ? [kernel.score] : []), kernel.weight, kernel.value]
    default:
      return kernel satisfies never
  }
}

/** Lists of axes that are nested loops of one kind: axes may be split and merged within a list. */
export function axisListsOf(kernel: Kernel): readonly (readonly Axis[])[] {
  switch (kernel.kind) {
    case 'map':
      return [kernel.axes]
    case 'row':
      return [kernel.outer, kernel.row]
    case 'contract':
      return [kernel.batch, kernel.rows, kernel.columns, kernel.depth]
    case 'scatter':
      return [kernel.before, kernel.after]
    case 'running':
      return [kernel.outer]
    case 'attention':
      return [kernel.outer, kernel.row, kernel.columns]
    default:
      return kernel satisfies never
  }
}

/** Visits every index and scalar of the kernel, each object once. */
export function walkKernel(kernel: Kernel, visitor: Visitor): void {
  const seen = new Set<object>()
  for (const scalar of innerScalarsOf(kernel)) walkScalar(scalar, visitor, seen)
  for (const { index, value } of storesOf(kernel)) {
    walkIndex(index, visitor, seen)
    walkScalar(value, visitor, seen)
  }
}

/** A load may fall away while its kernel is written (under a guard that never holds, behind an index that is always 0). */
export function dropUnreadSlots(kernel: Kernel): Kernel {
  const read = new Set<number>()
  walkKernel(kernel, { scalar: (s) => s.kind === 'load' && read.add(s.slot) })
  if (kernel.slots.every(({ access }, slot) => access !== 'read' || read.has(slot))) return kernel
  const kept = kernel.slots.flatMap(({ access }, slot) => (access === 'read' && !read.has(slot) ? [] : [slot]))
  const slots = kept.map((slot) => kernel.slots[slot]!)
  return rewriteKernel({ ...kernel, slots }, { slot: (slot) => kept.indexOf(slot) })
}

/** The same kernel, said of other nodes. */
export function onNodes(kernel: Kernel, of: (node: Node) => Node): Kernel {
  return withTensors(kernel, {
    slots: kernel.slots.map((slot) => ({ ...slot, node: of(slot.node) })),
    nodes: kernel.nodes.map(of),
    origins: kernel.origins,
    stops: kernel.stops.map((stop) => ({
      ...stop,
      producer: of(stop.producer),
      consumer: stop.consumer && of(stop.consumer),
    })),
  })
}

/** The kernel over other axes, its expressions as they are. */
export function withAxes(kernel: Kernel, axes: (list: readonly Axis[]) => readonly Axis[]): Kernel {
  switch (kernel.kind) {
    case 'map':
      return { ...kernel, axes: axes(kernel.axes) }
    case 'row':
      return { ...kernel, outer: axes(kernel.outer), row: axes(kernel.row) }
    case 'contract': {
      const { batch, rows, columns, depth } = kernel
      return { ...kernel, batch: axes(batch), rows: axes(rows), columns: axes(columns), depth: axes(depth) }
    }
    case 'scatter':
      return {
        ...kernel,
        before: axes(kernel.before),
        entries: axes([kernel.entries])[0]!,
        after: axes(kernel.after),
      }
    case 'running':
      return { ...kernel, outer: axes(kernel.outer), row: axes([kernel.row])[0]! }
    case 'attention':
      return { ...kernel, outer: axes(kernel.outer), row: axes(kernel.row), columns: axes(kernel.columns) }
    default:
      return kernel satisfies never
  }
}

/** The kernel with its index expressions rewritten; `axes` gives each list of axes anew. */
export function rewriteKernel(
  kernel: Kernel,
  replacement: Replacement,
  axes: (list: readonly Axis[]) => readonly Axis[] = (l) => l,
): Kernel {
  const slot = replacement.slot ?? ((n: number) => n)
  const rewrite = rewriter(new Scalars(), replacement)
  const store = (s: Store): Store => ({
    slot: slot(s.slot),
    index: (replacement.place ?? ((_, i) => i))(s.slot, rewrite.index(s.index)),
    value: rewrite.scalar(s.value),
  })
  const over = withAxes(kernel, axes)
  switch (over.kind) {
    case 'map':
      return { ...over, stores: over.stores.map(store) }
    case 'row':
      return {
        ...over,
        stages: over.stages.map((stage) => ({ ...stage, value: rewrite.scalar(stage.value) })),
        stores: over.stores.map(store),
        results: over.results.map(store),
      }
    case 'contract':
      return {
        ...over,
        left: rewrite.scalar(over.left),
        right: rewrite.scalar(over.right),
        stores: over.stores.map(store),
      }
    case 'scatter':
      return {
        ...over,
        position: rewrite.scalar(over.position),
        value: rewrite.scalar(over.value),
        output: slot(over.output),
      }
    case 'running':
      return { ...over, value: rewrite.scalar(over.value), store: store(over.store) }
    case 'attention':
      return {
        ...over,
        score: over.score && rewrite.scalar(over.score),
        weight: rewrite.scalar(over.weight),
        value: rewrite.scalar(over.value),
        stores: over.stores.map(store),
        results: over.results.map(store),
      }
    default:
      return over satisfies never
  }
}
