/**
 * Backpropagation through time. The forward scan is widened to yield what the way back needs; a scan in the other
 * direction carries the cotangents of the carries, adds up those of captures, and yields those of elements.
 *
 * To save memory, dear work too is done again, from the carries and elements of the step; it hangs on a marker (`again`) that
 * keeps it in the loop. Results of inner scans stay stored.
 *
 * Where the cotangents of a carry are asked for step by step, the backward scan yields them too.
 *
 * Stored are carries and whatever is dear to compute again (products, reductions, lookups, inner scans); elementwise
 * work is done again in the backward body, from what was stored.
 */
import { type Dim, product } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import { GraphBuilder } from './builder.ts'
import { type CarryTarget, carriesOf } from './carry-target.ts'
import { type PullbackOptions, pullback } from './pullback.ts'
import { lowerOf } from './registry.ts'
import { type ScanAttributes, type ScanBody, scanOperands } from './scan.ts'
import { makeScan, nodesDownTo } from './scan-build.ts'
import { transplant } from './transplant.ts'

export function scanGradient(
  builder: GraphBuilder,
  node: Node,
  cotangents: ReadonlyMap<number, Node>,
  needed: readonly boolean[],
  { length, reverse, layers, body }: ScanAttributes,
  carriesAsked: readonly CarryTarget[],
  options: PullbackOptions,
): (Node | undefined)[] {
  const { stacks, captures } = scanOperands(node.operands, body)
  const inner = GraphBuilder.continuing(
    [...body.next, ...body.yields, ...leavesOf(body)].map((n) => ({ node: n })),
    body.origins,
  )
  const firstNew = inner.nextId

  // Cotangents as the backward body meets them: of the carries after the step, of this step's yields.
  const nextSeeds = body.carries.map((carry) =>
    carry.dtype === 'float' ? inner.bound(carry.shape, 'float') : undefined,
  )
  const yieldSeeds = body.yields.map((y, i) =>
    cotangents.has(body.carries.length + i) ? inner.bound(y.shape, 'float') : undefined,
  )
  const seeds = new Map<Node, Node>()
  const seed = (target: Node, cotangent: Node | undefined) => {
    if (!cotangent) return
    const known = seeds.get(target)
    seeds.set(target, known ? inner.add(known, cotangent) : cotangent)
  }
  body.next.forEach((target, i) => seed(target, nextSeeds[i]))
  body.yields.forEach((target, i) => seed(target, yieldSeeds[i]))

  const wantsStack = body.elements.map((e, i) => needed[i]! && e.dtype === 'float')
  const wantsCapture = body.captures.map(
    (c, i) => needed[body.elements.length + body.carries.length + i]! && c.dtype === 'float',
  )
  const floatCarries = body.carries.filter((c) => c.dtype === 'float')
  const wrt = [
    ...body.elements.filter((_, i) => wantsStack[i]),
    ...floatCarries,
    ...body.captures.filter((_, i) => wantsCapture[i]),
  ]
  const { own, within } = carriesOf(body, carriesAsked)
  const afterStep = new Map(own.map((target) => [target, body.next[target.carry]!] as const))
  const targets = [...wrt, ...afterStep.values(), ...within]
  const met = pullback(inner, seeds, targets, options)
  const leaves = new Set(leavesOf(body))
  const found = options.recompute ? fromCarries(inner, met, firstNew, body) : met
  const pulled = new Map(targets.map((target, i) => [target, found[i]] as const))
  const zeros = (like: Node) => inner.full(like.shape, 0)
  const cotangentOf = (n: Node): Node => pulled.get(n) ?? zeros(n)
  /** Of carries asked for: what each step of the way back yields; nothing where nothing depends on them. */
  const history = new Map(
    carriesAsked.flatMap((target) => {
      const cotangent = pulled.get(afterStep.get(target) ?? target)
      return cotangent ? [[target, cotangent] as const] : []
    }),
  )

  // What of the forward step the backward body reads.
  const roots = [...pulled.values()].filter((n) => n !== undefined)
  const stored = storedValues(roots, firstNew, leaves, layers)
  const saved = stored.filter((n) => !body.elements.includes(n) && !body.captures.includes(n))
  const wide: ScanBody = { ...body, yields: [...body.yields, ...saved] }
  const forward = builder.node('scan', node.operands, { length, reverse, ...(layers && { layers }), body: wide })
  const savedStacks = saved.map((_, i) => builder.scanResult(forward, body.carries.length + body.yields.length + i))

  // The backward scan is written in the outer builder by its usual constructor, its body copied from `inner`.
  const usedElements = body.elements.filter((n) => stored.includes(n))
  const usedCaptures = body.captures.filter((n) => stored.includes(n))
  const floatIndex = body.carries.flatMap((c, i) => (c.dtype === 'float' ? [i] : []))
  const accumulators = body.captures.filter((_, i) => wantsCapture[i])
  const accumulated = accumulators.map((c) => inner.bound(c.shape, 'float'))
  const back = makeScan(builder, inner, {
    length,
    reverse: !reverse,
    layers,
    elements: [
      ...usedElements.map((leaf) => ({ leaf, stack: stacks[body.elements.indexOf(leaf)]! })),
      ...saved.map((leaf, i) => ({ leaf, stack: savedStacks[i]! })),
      ...yieldSeeds.flatMap((leaf, i) => (leaf ? [{ leaf, stack: cotangents.get(body.carries.length + i)! }] : [])),
    ],
    carries: [
      ...floatIndex.map((i) => ({
        leaf: nextSeeds[i]!,
        initial: cotangents.get(i) ?? builder.full(body.carries[i]!.shape, 0),
        next: cotangentOf(body.carries[i]!),
      })),
      ...accumulators.map((c, i) => ({
        leaf: accumulated[i]!,
        initial: builder.full(c.shape, 0),
        next: inner.add(accumulated[i]!, cotangentOf(c)),
      })),
    ],
    captures: usedCaptures.map((leaf) => ({ leaf, value: captures[body.captures.indexOf(leaf)]! })),
    yields: [...body.elements.filter((_, i) => wantsStack[i]).map(cotangentOf), ...history.values()],
  })

  let atYield = floatIndex.length + accumulators.length
  const ofStacks = body.elements.map((_, i) => (wantsStack[i] ? builder.scanResult(back, atYield++) : undefined))
  const ofInitials = body.carries.map((c, i) =>
    c.dtype === 'float' ? builder.scanResult(back, floatIndex.indexOf(i)) : undefined,
  )
  const ofCaptures = body.captures.map((c, i) =>
    wantsCapture[i] ? builder.scanResult(back, floatIndex.length + accumulators.indexOf(c)) : undefined,
  )
  const ofSteps = carriesAsked.map((target) => (history.has(target) ? builder.scanResult(back, atYield++) : undefined))
  return [...ofStacks, ...ofInitials, ...ofCaptures, ...ofSteps]
}

/** The cotangents, with all that they read of the forward step made anew of its leaves. */
function fromCarries(
  inner: GraphBuilder,
  cotangents: readonly (Node | undefined)[],
  firstNew: number,
  body: ScanBody,
): (Node | undefined)[] {
  const roots = cotangents.filter((node) => node !== undefined)
  const leaves = leavesOf(body)
  const kept = new Set(leaves)
  const isKept = (node: Node) => kept.has(node) || lowerOf(node).kind === 'project'
  const read = storedValues(roots, firstNew, kept)
  const made = read.filter((node) => !isKept(node))
  const ends = nodesDownTo(made, { has: isKept }).filter(isKept)
  const varying = new Set([...body.elements, ...body.carries])
  const anew = transplant(
    inner,
    made,
    inner.origins,
    new Map(ends.map((node) => [node, varying.has(node) ? inner.again(node) : node])),
  )
  const replacements = new Map<Node, Node>([
    ...read.filter(isKept).map((node): [Node, Node] => [node, node]),
    ...made.map((node): [Node, Node] => [node, anew.get(node)!]),
  ])
  const moved = transplant(inner, roots, inner.origins, replacements)
  return cotangents.map((node) => node && moved.get(node)!)
}

const leavesOf = (body: ScanBody): Node[] => [...body.elements, ...body.carries, ...body.captures]

/**
 * The forward values at which the way down from the cotangents stops: leaves, and what is dear. What lies above them is
 * computed again. Constants and other functions of the index are copied, not stored.
 */
function storedValues(roots: readonly Node[], firstNew: number, leaves: ReadonlySet<Node>, layers?: true): Node[] {
  const stored = new Set<Node>()
  const seen = new Set<Node>()
  const pending = [...roots]
  while (pending.length > 0) {
    const node = pending.pop()!
    if (seen.has(node)) continue
    seen.add(node)
    if (node.id < firstNew && (leaves.has(node) || (isDear(node) && !(layers && outgrows(node))))) stored.add(node)
    else pending.push(...node.operands)
  }
  return [...stored].sort((a, b) => a.id - b.id)
}

/**
 * Grows faster than all it is made of, as scores do, queries × keys: of every layer that would be memory by the square of the
 * length. It is made again, and kept out of memory by fusion, from what was stored of its operands.
 */
function outgrows({ shape, operands }: Node): boolean {
  const degree = (dims: readonly Dim[]) => Math.max(0, ...product(dims).terms.map(({ atoms }) => atoms.length))
  return operands.length > 1 && operands.every((operand) => degree(operand.shape) < degree(shape))
}

function isDear(node: Node): boolean {
  switch (lowerOf(node).kind) {
    case 'contract':
    case 'reduce':
    case 'lookup':
    case 'scatter':
    case 'running':
    case 'project':
      return true
    default:
      return false
  }
}
