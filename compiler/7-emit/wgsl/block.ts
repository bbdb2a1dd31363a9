/**
 * A block of WGSL statements under construction. Statements of an inner block are held back until it is closed, so
 * that whatever turns out not to depend on it can still be written to the block around it: a loop-invariant value is
 * computed before the loop because it is appended to the outer block first.
 */
export class Block {
  readonly parent: Block | undefined
  readonly depth: number
  private readonly parts: (string | Block)[] = []
  /** Names of values computed in this block, by identity. */
  readonly known = new Map<string, string>()

  constructor(parent?: Block) {
    this.parent = parent
    this.depth = parent ? parent.depth + 1 : 0
  }

  line(text: string): void {
    this.parts.push(text)
  }

  /** Writes `head { … }` around what `fill` puts into a new inner block. */
  nest(head: string, fill: (inner: Block) => void, tail = ''): void {
    const inner = new Block(this)
    fill(inner)
    this.parts.push(`${head} {`, inner, `}${tail}`)
  }

  /** How much was written here. */
  get size(): number {
    return this.parts.length
  }
  /** Writes what was written from one place to another once more, with other names. */
  copy(from: number, to: number, renamed: (text: string) => string, source: Block = this): void {
    for (let i = from; i < to; i++) {
      const part = source.parts[i]!
      if (typeof part === 'string') this.parts.push(renamed(part))
      else {
        const inner = new Block(this)
        inner.copy(0, part.size, renamed, part)
        this.parts.push(inner)
      }
    }
  }

  /** Appends the finished lines to `into`. */
  lines(into: string[], indentation: string): void {
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i]!
      if (typeof part === 'string') into.push(indentation + part)
      else part.lines(into, `${indentation}  `)
    }
  }
}
