/**
 * Text for places of a tile that differ in names alone. Whatever the second place needs of the blocks around it the first one has
 * put there; where the second writes nothing outside its own block, all that a third would ask for is found as it was found for the
 * second, and its text is the second one's with other numbers in its names. It is copied instead of printed:
 *
 *     if (i61 < n2) { let v63 = max((c13 + v57), 0.0f); … }
 *     if (i66 < n2) { let v68 = max((c17 + v57), 0.0f); … }
 */
import { type Context, inside } from './context.ts'

/** What was printed last: a head, a block and its end. */
interface Print {
  readonly at: number
  /** The first number of its names, and how many there are. */
  readonly first: number
  readonly count: number
  readonly given: readonly string[]
  /** Whether something in it depends on how long a name is. */
  readonly tight: boolean
}
const partsOfBlock = 3

/** Prints places one after another into the block of a context. */
export class Places {
  private readonly context: Context
  private last: Print | undefined

  constructor(context: Context) {
    this.context = context
  }

  /**
   * A block in which `flat` has a name and is below `limit`, where one is given. `given` are the names that `fill` writes for this
   * place where it writes others elsewhere.
   */
  print(
    flat: string,
    limit: string | undefined,
    given: readonly string[],
    fill: (inner: Context, name: string) => void,
  ): void {
    const { context, last } = this
    const { shader, block } = context
    const first = shader.names
    const name = shader.fresh('i')
    block.line(`let ${name} = ${flat};`)
    const at = block.size
    if (last && isLike(last, first, given)) {
      const names = new Map(last.given.map((other, i) => [other, given[i]!]))
      block.copy(last.at, last.at + partsOfBlock, (text) => renamed(text, last.first, first - last.first, names))
      shader.names = first + last.count
      shader.isTight ||= last.tight
      return
    }
    const around = sizesAround(context)
    const before = shader.isTight
    shader.isTight = false
    block.nest(limit === undefined ? '' : `if (${name} < ${limit})`, (inner) => fill(inside(context, inner), name))
    const isAlone = block.size === at + partsOfBlock && sizesAround(context).every((size, i) => size === around[i])
    const canBeCopied = isAlone && first > shader.otherNumbers && given.every((text) => /^[a-z]+\d+$/.test(text))
    const { names, isTight: tight } = shader
    this.last = canBeCopied ? { at, first, count: names - first, given, tight } : undefined
    shader.isTight ||= before
  }
}

/** Names that are longer matter where something depends on a text's length. None may be shorter. */
function isLike({ first, count, given, tight }: Print, next: number, others: readonly string[]): boolean {
  const fits = (a: string, b: string) => (tight ? a.length === b.length : a.length <= b.length)
  return fits(`${first}`, `${next + count}`) && given.every((name, i) => fits(name, others[i]!))
}

function renamed(text: string, first: number, by: number, names: ReadonlyMap<string, string>): string {
  return text.replace(/\b([a-z]+)(\d+)\b/g, (word, prefix: string, number: string) =>
    +number >= first ? `${prefix}${+number + by}` : (names.get(word) ?? word),
  )
}

/** How much was written to each of the blocks around. */
function sizesAround({ block }: Context): number[] {
  const sizes: number[] = []
  for (let around = block.parent; around; around = around.parent) sizes.push(around.size)
  return sizes
}
