/**
 * Scans of one family over the same operands differ only in what they yield: one scan that yields all of it stands for
 * them. So the forward pass of a recurrence runs once, though its gradient asks for more of it than the loss does.
 */
import type { Node, Origins } from '../ir/graph.ts'
import type { ScanAttributes, ScanBody } from '../ops/scan.ts'

export interface WideScan {
  readonly attributes: ScanAttributes
  /** For each scan that it stands for, the result of the wide one by the index of its own. */
  readonly resultOf: ReadonlyMap<Node, (index: number) => number>
}

/** For each scan its wide one; scans of one family share it. */
export function widened(scans: readonly Node<'scan'>[]): Map<Node, WideScan> {
  const groups: Node<'scan'>[][] = []
  for (const scan of scans) {
    const group = groups.find(([first]) => areAlike(first!, scan))
    if (group) group.push(scan)
    else groups.push([scan])
  }
  const found = new Map<Node, WideScan>()
  for (const group of groups) {
    const { attributes } = group[0]!
    const carries = attributes.body.carries.length
    const yields = [...new Set(group.flatMap((scan) => scan.attributes.body.yields))]
    const origins = originsIn(group.map((scan) => scan.attributes.body.origins))
    const wide: WideScan = {
      attributes: group.length === 1 ? attributes : { ...attributes, body: { ...attributes.body, yields, origins } },
      resultOf: new Map(
        group.map((scan) => [
          scan,
          (index: number) =>
            index < carries || group.length === 1
              ? index
              : carries + yields.indexOf(scan.attributes.body.yields[index - carries]!),
        ]),
      ),
    }
    for (const scan of group) found.set(scan, wide)
  }
  return found
}

function areAlike(a: Node<'scan'>, b: Node<'scan'>): boolean {
  const [one, other] = [a.attributes, b.attributes]
  const same = (field: 'elements' | 'carries' | 'captures' | 'next') => sameNodes(one.body[field], other.body[field])
  return (
    one.body.family === other.body.family &&
    one.length === other.length &&
    one.reverse === other.reverse &&
    one.layers === other.layers &&
    sameNodes(a.operands, b.operands) &&
    same('elements') &&
    same('carries') &&
    same('captures') &&
    same('next')
  )
}

/** What any of them says of a node, the last one first. */
const originsIn = (bodies: readonly Origins[]): Origins => ({
  get: (node) => {
    for (const body of bodies.toReversed()) {
      const origins = body.get(node)
      if (origins) return origins
    }
    return undefined
  },
})

const sameNodes = (a: ScanBody['next'], b: ScanBody['next']): boolean =>
  a.length === b.length && a.every((node, i) => node === b[i])
