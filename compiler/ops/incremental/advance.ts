/**
 * A causal graph over whole sequences → the same for the next positions of each sequence alone, with what it must carry.
 *
 *     logits[batch, T, V] of text[batch, T]      →   logits[batch, n, V] of text[batch, n], at positions t, …, t + n - 1
 *
 * Each node is asked for in one of two forms. A *range* is the elements of the coming positions along one axis; it is made
 * from ranges of the operands, as the op's links say. *Whole* along all axes is what a sum over keys asks of them: the
 * coming elements are put into a cache of the whole, which holds those of earlier positions. Where a range reaches back
 * before the coming positions (a convolution), a window of the last few elements is carried; a recurrence carries its
 * carries and a prefix sum the sum so far. What depends on no stream is computed where it is needed (`2-lower/incremental.ts`
 * takes out of that what is worth keeping).
 */
import { add, type Dim, dim, one, scale, subtract, zero } from '../../ir/dim.ts'
import type { Node, Origins } from '../../ir/graph.ts'
import type { GraphBuilder } from '../builder.ts'
import { atMost } from '../causality/known.ts'
import { LooksAhead, type Timing } from '../causality/reach.ts'
import { lowerOf } from '../registry.ts'
import { type ScanAttributes, scanOperands } from '../scan.ts'
import { transplant } from '../transplant.ts'
import type { CarriedTensors } from './carried.ts'
import { type Range, resized, sizeOf, within } from './resized.ts'

export interface Form {
  /** Positions at a time. */
  readonly count: Dim
  /** The coming positions of each stream, in place of the whole. */
  readonly streams: ReadonlyMap<Node, Node>
}

/** What both forms of a graph share. */
export interface Source {
  readonly timing: ReadonlyMap<Node, Timing>
  readonly streams: ReadonlyMap<Node, number>
  readonly origins: Origins
  readonly builder: GraphBuilder
  /** The position that comes next, an int scalar. */
  readonly position: Node
  readonly carried: CarriedTensors
  /** A node that depends on no stream, whole. */
  readonly still: (node: Node) => Node
  /** Any node, whole, as if all streams held zeros: what there is before the first position. */
  readonly blank: (node: Node) => Node
}

export class Advance {
  readonly #source: Source
  readonly #form: Form
  readonly #b: GraphBuilder
  /** By node; in place of the whole of it, or of a range. */
  readonly #made = new Map<Node, { readonly range: Range | undefined; readonly node: Node }[]>()
  readonly #scans = new Map<Node, readonly Node[]>()
  /** Carried tensors after this advance. */
  readonly next = new Map<Node, Node>()

  constructor(source: Source, form: Form) {
    this.#source = source
    this.#form = form
    this.#b = source.builder
  }

  /** The elements of the coming positions along an axis. */
  coming(node: Node, axis: number): Node {
    return this.#range(node, { axis, low: zero, count: this.#form.count })
  }

  #timing(node: Node): Timing {
    return this.#source.timing.get(node)!
  }

  #once(node: Node, range: Range | undefined, make: () => Node): Node {
    let known = this.#made.get(node)
    if (!known) {
      known = []
      this.#made.set(node, known)
    }
    for (let at = 0; at < known.length; at++) if (isSameRange(known[at]!.range, range)) return known[at]!.node
    const made = this.#b.withOrigin(this.#source.origins.get(node), make)
    known.push({ range, node: made })
    return made
  }

  readonly #indices = (range: Range): Node => {
    const b = this.#b
    const start = range.low === zero ? this.#source.position : b.add(this.#source.position, offsetOf(b, range.low))
    return b.add(b.iota([range.count], 0), start)
  }

  // ------------------------------------------------------------ whole tensors

  #whole(node: Node): Node {
    const { reach } = this.#timing(node)
    if (reach.size === 0) return this.#source.still(node)
    return this.#once(node, undefined, () => {
      if (this.#isTransparent(node))
        return this.#b.node(node.op, [this.#whole(node.operands[0]!)], node.attributes as never)
      const [only, ...others] = reach
      if (others.length > 0) throw new LooksAhead(node, 'pairs')
      return this.#cached(node, only![0], scale(only![1], -1))
    })
  }

  /** A view that leaves the axes of positions as they are costs nothing to take of the whole. */
  #isTransparent(node: Node): boolean {
    if (lowerOf(node).kind !== 'view' || node.operands.length !== 1) return false
    const { links } = this.#timing(node)
    return [...this.#timing(node.operands[0]!).reach.keys()].every((axis) => {
      const link = links.find((l) => l.axis === axis)!
      const size = node.operands[0]!.shape[axis]
      return link.result !== undefined && link.low === zero && link.high === zero && node.shape[link.result] === size
    })
  }

  /** The elements so far: those of earlier positions, with the coming ones in their places. */
  #cached(node: Node, axis: number, low: Dim): Node {
    const b = this.#b
    const coming = this.#range(node, { axis, low, count: this.#form.count })
    const { leaf } = this.#source.carried.take('cache', `${node.id} ${axis}`, node.shape, node.dtype, () =>
      // What lies before the first position depends on no stream.
      low === zero ? b.full(node.shape, 0, node.dtype) : this.#source.blank(node),
    )
    const start = low === zero ? this.#source.position : b.add(this.#source.position, offsetOf(b, low))
    const place = b.sub(b.iota([node.shape[axis]!], 0), start)
    const alone = this.#form.count === one
    const isHere = alone ? b.eq(place, 0) : b.and(b.ge(place, 0), b.lt(place, sizeOf(b, this.#form.count)))
    const spread = alone
      ? b.broadcast(
          b.reshape(coming, coming.shape.toSpliced(axis, 1)),
          node.shape,
          node.shape.map((_, at) => at).toSpliced(axis, 1),
        )
      : b.gather(coming, place, axis)
    const updated = b.select(b.broadcast(isHere, node.shape, [axis]), spread, leaf)
    this.next.set(leaf, updated)
    return updated
  }

  // ------------------------------------------------------------ ranges

  #range(node: Node, range: Range): Node {
    return this.#once(node, range, () => {
      const { reach } = this.#timing(node)
      const ahead = reach.get(range.axis)
      const fresh = ahead && scale(ahead, -1)
      if (fresh && (fresh !== range.low || range.count !== this.#form.count)) return this.#windowed(node, range, fresh)
      return this.#computed(node, range)
    })
  }

  /** Elements that came before the coming ones: a window of the last of them is carried. */
  #windowed(node: Node, range: Range, fresh: Dim): Node {
    const b = this.#b
    const { axis } = range
    const back = subtract(fresh, range.low).constant
    const late = subtract(add(range.low, range.count), add(fresh, this.#form.count))
    if (back === undefined || back < 0 || !atMost(late, zero)) throw new LooksAhead(node, 'mixed')
    const coming = this.#range(node, { axis, low: fresh, count: this.#form.count })
    if (back === 0) return this.#part(coming, axis, zero, range.count)
    const { leaf } = this.#source.carried.take(
      'window',
      `${node.id} ${axis} ${back}`,
      node.shape.with(axis, dim(back)),
      node.dtype,
      () => this.#before(node, axis, fresh, back),
    )
    const joined = b.concat([leaf, coming], axis)
    this.next.set(leaf, this.#part(joined, axis, this.#form.count, dim(back)))
    return this.#part(joined, axis, zero, range.count)
  }

  /** The last `back` elements before index `end`, at the beginning: they depend on no position of a stream. */
  #before(node: Node, axis: number, end: Dim, back: number): Node {
    const b = this.#b
    const first = end.constant === undefined ? zero : dim(Math.max(0, end.constant - back))
    const there = end.constant === undefined ? back : Math.min(back, Math.max(0, end.constant))
    const start = end.constant === undefined ? subtract(end, dim(back)) : first
    const missing = b.full(node.shape.with(axis, dim(back - there)), 0, node.dtype)
    if (there === 0) return missing
    const known = this.#part(this.#source.blank(node), axis, start, dim(there))
    return there === back ? known : b.concat([missing, known], axis)
  }

  #part(x: Node, axis: number, start: Dim, size: Dim): Node {
    return this.#b.slice(
      x,
      x.shape.map((_, at) => (at === axis ? start : zero)),
      x.shape.with(axis, size),
    )
  }

  #computed(node: Node, range: Range): Node {
    const stream = this.#source.streams.get(node)
    if (stream !== undefined) return this.#form.streams.get(node)!
    const { links, reach } = this.#timing(node)
    const dynamic = reach.size > 0
    const kind = lowerOf(node).kind
    if (dynamic && kind === 'project' && range.axis === 0) return this.#recurrence(node)
    if (dynamic && kind === 'running' && (node.attributes as { axis: number }).axis === range.axis)
      return this.#prefix(node as Node<'cumsum'>, range)
    if (kind === 'leaf' || kind === 'project' || kind === 'scan') return this.#taken(node, range)
    if (links.length > 0 && !links.some(({ result }) => result === range.axis) && !dynamic && kind !== 'view')
      return this.#taken(node, range)
    const operands = node.operands.map((operand, i) => {
      const link = links.find((l) => l.operand === i && l.result === range.axis)
      if (!link) return this.#whole(operand)
      return this.#range(operand, {
        axis: link.axis,
        low: add(range.low, link.low),
        count: add(range.count, subtract(link.high, link.low)),
      })
    })
    const made = resized(this.#b, node, operands, range, links, { indices: this.#indices })
    return made ?? this.#taken(node, range)
  }

  /** Elements of a whole tensor, by their indices. */
  #taken(node: Node, range: Range): Node {
    return this.#b.gather(this.#whole(node), this.#indices(range), range.axis)
  }

  // ------------------------------------------------------------ recurrences and prefix sums

  /** The coming steps of a recurrence, from the carries that the last ones left; a single step is written out. */
  #recurrence(node: Node): Node {
    const b = this.#b
    const scan = node.operands[0] as Node<'scan'>
    const { body, reverse }: ScanAttributes = scan.attributes
    const { count } = this.#form
    const { index } = node.attributes as { readonly index: number }
    const known = this.#scans.get(scan)
    if (known) return known[index]!
    const { stacks, initials, captures } = scanOperands(scan.operands, body)
    const elements = stacks.map((stack) => this.#range(stack, { axis: 0, low: zero, count }))
    const carries = initials.map((initial, i) => {
      const first = this.#whole(initial)
      return this.#source.carried.take('carry', `${scan.id} ${i}`, initial.shape, initial.dtype, () => first).leaf
    })
    const captured = captures.map((capture) => this.#whole(capture))
    let results: Node[]
    if (count === one) {
      const replacements = new Map<Node, Node>([
        ...body.elements.map((leaf, i) => [leaf, b.reshape(elements[i]!, leaf.shape)] as const),
        ...body.carries.map((leaf, i) => [leaf, carries[i]!] as const),
        ...body.captures.map((leaf, i) => [leaf, captured[i]!] as const),
      ])
      const made = transplant(b, [...body.next, ...body.yields], body.origins, replacements)
      results = [
        ...body.next.map((each) => made.get(each)!),
        ...body.yields.map((each) => b.reshape(made.get(each)!, [one, ...each.shape])),
      ]
    } else {
      const made = b.node('scan', [...elements, ...carries, ...captured], { length: count, reverse, body })
      results = [...body.carries, ...body.yields].map((_, i) => b.scanResult(made, i))
    }
    for (const [i, leaf] of carries.entries()) this.next.set(leaf, results[i]!)
    this.#scans.set(scan, results)
    return results[index]!
  }

  /** The sum so far is carried, and added to the sums within the coming positions. */
  #prefix(node: Node<'cumsum'>, range: Range): Node {
    const b = this.#b
    const { axis } = range
    const [operand] = node.operands as [Node]
    const dynamic = this.#timing(operand).reach.has(axis)
    const raw = this.#range(operand, range)
    const coming = dynamic ? raw : within(b, raw, operand, range, 0, { indices: this.#indices })
    const shape = node.shape.with(axis, one)
    const { leaf } = this.#source.carried.take('sum', `${node.id}`, shape, node.dtype, () =>
      b.full(shape, 0, node.dtype),
    )
    const before = b.broadcastTo(leaf, coming.shape)
    this.next.set(leaf, b.add(leaf, b.sum(coming, [axis], true)))
    return b.add(before, b.cumsum(coming, axis, { exclusive: node.attributes.exclusive }))
  }
}

const isSameRange = (a: Range | undefined, b: Range | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.axis === b.axis && a.low === b.low && a.count === b.count)

const offsetOf = (b: GraphBuilder, low: Dim): Node => {
  if (low.constant !== undefined) return b.constant(low.constant, 'int')
  const negative = low.terms.every((term) => term.coefficient < 0)
  return negative ? b.neg(sizeOf(b, scale(low, -1))) : sizeOf(b, low)
}
