/**
 * A block of instructions under construction. What an inner block does not depend on can still be written to the block
 * around it while the inner one is open: a loop-invariant value is computed before the loop because it is appended there first.
 */
import { type Expression, get, type Item, type Local } from './code.ts'
import { op } from './instructions.ts'

const empty = 0x40

export class Block {
  readonly parent: Block | undefined
  readonly depth: number
  readonly items: Item[] = []
  /** Values computed in this block, by identity. */
  readonly known = new Map<string, Expression>()

  constructor(parent?: Block) {
    this.parent = parent
    this.depth = parent ? parent.depth + 1 : 0
  }

  add(items: readonly Item[]): void {
    this.items.push(items)
  }
  set(local: Local, value: Expression): void {
    this.items.push(value.items, 0x21, local)
  }

  /** A block of its own, for what must not be computed before it. */
  nest(fill: (inner: Block) => void): void {
    const inner = new Block(this)
    fill(inner)
    this.items.push(0x02, empty, inner.items, 0x0b)
  }

  if(condition: Expression, then: (inner: Block) => void, otherwise?: (inner: Block) => void): void {
    const inner = new Block(this)
    then(inner)
    const other = new Block(this)
    otherwise?.(other)
    this.items.push(condition.items, 0x04, empty, inner.items)
    if (other.items.length > 0) this.items.push(0x05, other.items)
    this.items.push(0x0b)
  }

  /** While `counter < limit` (as unsigned numbers): `fill`, then `step` is added. The counter is set before. */
  loop(counter: Local, limit: Expression, step: Expression, fill: (inner: Block) => void): void {
    const inner = new Block(this)
    fill(inner)
    const more = op('i32.lt_u', get(counter), limit).items
    this.items.push(more, 0x04, empty, 0x03, empty, inner.items)
    this.set(counter, op('i32.add', get(counter), step))
    this.items.push(more, 0x0d, 0, 0x0b, 0x0b)
  }
}
