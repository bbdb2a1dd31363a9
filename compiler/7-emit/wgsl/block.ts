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

  /** Appends the finished lines to `into`. */
  lines(into: string[], indentation: string): void {
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i]!
      if (typeof part === 'string') into.push(indentation + part)
      else part.lines(into, `${indentation}  `)
    }
  }
}
