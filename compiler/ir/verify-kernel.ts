/**
 * The invariants of kernels, checked between passes under `--verify` and in tests. Throws on the first that fails: a
 * failure is a fault of the compiler, never of a program.
 */
import { product } from './dim.ts'
import type { Axis, Guard, Index, Kernel, Scalar, Store } from './kernel.ts'
import { scalarMeaning } from './scalar.ts'

interface Scope {
  readonly axes: ReadonlySet<Axis>
  /** How many stages are known. */
  readonly stages: number
  readonly accumulator: boolean
}

export function verifyKernel(kernel: Kernel): void {
  const fail = (reason: string): never => {
    throw new Error(`kernel ${kernel.name}: ${reason}`)
  }
  const written = new Set<number>()
  const read = new Set<number>()

  const scope = (axes: readonly Axis[], stages = 0, accumulator = false): Scope => {
    if (new Set(axes).size !== axes.length) fail('an axis occurs twice')
    return { axes: new Set(axes), stages, accumulator }
  }
  const index = (i: Index, at: Scope): void => {
    switch (i.kind) {
      case 'dim':
        return
      case 'axis':
        if (!at.axes.has(i.axis)) fail(`the axis ${i.axis.name} is not one of its own`)
        return
      case 'sum':
        if (
          i.terms.some((term) => term.factor.constant === 0 || term.index.kind === 'sum' || term.index.kind === 'dim')
        )
          fail('a sum is not in normal form')
        for (const term of i.terms) index(term.index, at)
        return
      case 'quotient':
      case 'remainder':
        if (i.by.constant !== undefined && i.by.constant <= 0) fail(`an index is divided by ${i.by.key}`)
        index(i.index, at)
        return
      case 'data':
        if (i.value.dtype !== 'int' && i.value.dtype !== 'uint') fail(`an index is read from ${i.value.dtype} data`)
        scalar(i.value, at)
        return
      default:
        i satisfies never
    }
  }
  const guard = (g: Guard, at: Scope): void => index(g.index, at)
  const known = new Map<Scope, Set<Scalar>>()
  const scalar = (s: Scalar, at: Scope): void => {
    const seen = known.get(at) ?? new Set()
    known.set(at, seen)
    if (seen.has(s)) return
    seen.add(s)
    switch (s.kind) {
      case 'number':
        return
      case 'load': {
        const slot = kernel.slots[s.slot] ?? fail(`there is no slot ${s.slot}`)
        if (slot.access === 'write') fail(`slot ${s.slot} is read but only written`)
        if (slot.node.dtype !== s.dtype) fail(`slot ${s.slot} holds ${slot.node.dtype}, read as ${s.dtype}`)
        read.add(s.slot)
        index(s.index, at)
        return
      }
      case 'apply':
        if (s.arguments.length !== scalarMeaning[s.fn].arity)
          fail(`${s.fn} is applied to ${s.arguments.length} arguments`)
        for (const argument of s.arguments) scalar(argument, at)
        return
      case 'position':
        index(s.index, at)
        return
      case 'guarded':
        if (s.guards.length === 0) fail('a guarded value has no guard')
        if (s.value.dtype !== s.dtype || s.otherwise.dtype !== s.dtype)
          fail('a guarded value and its alternative differ in dtype')
        for (const g of s.guards) guard(g, at)
        scalar(s.value, at)
        scalar(s.otherwise, at)
        return
      case 'reduce': {
        if (s.axes.some((axis) => at.axes.has(axis))) fail('a loop in a lane binds an axis that is bound already')
        scalar(s.value, { ...at, axes: new Set([...at.axes, ...s.axes]) })
        return
      }
      case 'stage':
        if (s.stage >= at.stages) fail(`stage ${s.stage} is used before it is known`)
        return
      case 'accumulator':
        if (!at.accumulator) fail('the accumulator is used outside a store')
        return
      default:
        s satisfies never
    }
  }
  const store = (s: Store, at: Scope): void => {
    const slot = kernel.slots[s.slot] ?? fail(`there is no slot ${s.slot}`)
    if (slot.access === 'read') fail(`slot ${s.slot} is written but only read`)
    if (slot.node.dtype !== s.value.dtype) fail(`slot ${s.slot} holds ${slot.node.dtype}, written as ${s.value.dtype}`)
    if (written.has(s.slot)) fail(`slot ${s.slot} is written twice`)
    written.add(s.slot)
    index(s.index, at)
    scalar(s.value, at)
    // An axis that a store's place does not depend on would have lanes write over each other.
    const count = product([...at.axes].map((axis) => axis.extent))
    const elements = slot.part ?? product(slot.node.shape)
    if (count !== elements) fail(`slot ${s.slot} has ${elements.key} elements, ${count.key} are written`)
  }

  switch (kernel.kind) {
    case 'map': {
      const all = scope(kernel.axes)
      for (const s of kernel.stores) store(s, all)
      break
    }
    case 'row': {
      const row = [...kernel.outer, ...kernel.row]
      for (const [stage, { value }] of kernel.stages.entries()) scalar(value, scope(row, stage))
      const all = scope(row, kernel.stages.length)
      for (const s of kernel.stores) store(s, all)
      const outer = scope(kernel.outer, kernel.stages.length)
      for (const s of kernel.results) store(s, outer)
      break
    }
    case 'contract': {
      scope([...kernel.batch, ...kernel.rows, ...kernel.columns, ...kernel.depth])
      scalar(kernel.left, scope([...kernel.batch, ...kernel.rows, ...kernel.depth]))
      scalar(kernel.right, scope([...kernel.batch, ...kernel.columns, ...kernel.depth]))
      const all = scope([...kernel.batch, ...kernel.rows, ...kernel.columns], 0, true)
      for (const s of kernel.stores) store(s, all)
      break
    }
    case 'scatter': {
      scalar(kernel.position, scope([kernel.entries]))
      scalar(kernel.value, scope([...kernel.before, kernel.entries, ...kernel.after]))
      if (kernel.slots[kernel.output]?.access !== 'write') fail('the result of a scatter is not written')
      written.add(kernel.output)
      break
    }
    case 'attention': {
      const [outer, row, columns] = [kernel.outer, kernel.row, kernel.columns]
      scope([...outer, ...row, ...columns])
      if (kernel.score) scalar(kernel.score, scope([...outer, ...row]))
      scalar(kernel.weight, scope([...outer, ...row]))
      scalar(kernel.value, scope([...outer, ...row, ...columns]))
      const stages = kernel.score ? 2 : 0
      const all = scope([...outer, ...columns], stages, true)
      for (const s of kernel.stores) store(s, all)
      const once = scope(outer, stages)
      for (const s of kernel.results) store(s, once)
      break
    }
    case 'running': {
      const all = [...kernel.outer, kernel.row]
      scalar(kernel.value, scope(all))
      store(kernel.store, scope(all, 0, true))
      break
    }
    default:
      kernel satisfies never
  }

  kernel.slots.forEach(({ access }, slot) => {
    if (access !== 'read' && !written.has(slot)) fail(`slot ${slot} is never written`)
    if (access === 'read' && !read.has(slot)) fail(`slot ${slot} is never read`)
  })
  if (written.size === 0) fail('it stores nothing')
}
