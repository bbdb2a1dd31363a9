/** A scan taken apart, so that its parts can be exchanged, and put together again with a body of its own. */
import type { Dim } from '../ir/dim.ts'
import type { Node, Origins } from '../ir/graph.ts'
import { GraphBuilder } from '../ops/builder.ts'
import type { ScanAttributes } from '../ops/scan.ts'
import { scanOperands } from '../ops/scan.ts'
import { nodesDownTo } from '../ops/scan-build.ts'
import { transplant } from '../ops/transplant.ts'

/** Leaves are nodes of the body: where one is met, the body stops. Stacks, first carries and values are nodes outside. */
export interface ScanParts {
  readonly length: Dim
  readonly reverse: boolean
  readonly layers: true | undefined
  readonly elements: readonly { readonly leaf: Node; readonly stack: Node }[]
  readonly carries: readonly Carry[]
  readonly captures: readonly { readonly leaf: Node; readonly value: Node }[]
  /** Yields that are read, each with the index of its result. */
  readonly yields: readonly { readonly node: Node; readonly result: number }[]
  readonly origins: Origins
}
export interface Carry {
  readonly leaf: Node
  readonly initial: Node
  readonly next: Node
  /** Which result its last value is. */
  readonly result: number
}

/** The results of a scan as nodes of the graph around it, by index. */
export type Results = Map<number, Node>

/** The parts of a scan whose operands are `operands`, with those yields that are read. */
export function openScan(operands: readonly Node[], attributes: ScanAttributes, used: ReadonlySet<number>): ScanParts {
  const { length, reverse, layers, body } = attributes
  const { stacks, initials, captures } = scanOperands(operands, body)
  return {
    length,
    reverse,
    layers,
    elements: body.elements.map((leaf, i) => ({ leaf, stack: stacks[i]! })),
    carries: body.carries.map((leaf, i) => ({ leaf, initial: initials[i]!, next: body.next[i]!, result: i })),
    captures: body.captures.map((leaf, i) => ({ leaf, value: captures[i]! })),
    yields: body.yields.flatMap((node, i) => {
      const result = body.carries.length + i
      return used.has(result) ? [{ node, result }] : []
    }),
    origins: body.origins,
  }
}

/** The scan of the parts, with elements and captures that the body reads. Its yields are each a node once. */
export function closeScan(
  b: GraphBuilder,
  parts: Omit<ScanParts, 'yields'> & { readonly yields: readonly Node[] },
): Node {
  const next = parts.carries.map((carry) => carry.next)
  const leaves = new Set([...parts.elements, ...parts.carries, ...parts.captures].map(({ leaf }) => leaf))
  const read = new Set(nodesDownTo([...next, ...parts.yields], leaves))
  const elements = parts.elements.filter(({ leaf }) => read.has(leaf))
  const captures = parts.captures.filter(({ leaf }) => read.has(leaf))
  const body = new GraphBuilder()
  const copies = new Map<Node, Node>()
  const bind = ({ leaf }: { readonly leaf: Node }): Node => {
    const copy = body.bound(leaf.shape, leaf.dtype)
    copies.set(leaf, copy)
    return copy
  }
  const bound = { elements: elements.map(bind), carries: parts.carries.map(bind), captures: captures.map(bind) }
  const moved = transplant(body, [...next, ...parts.yields], parts.origins, copies)
  return b.node(
    'scan',
    [...elements.map((e) => e.stack), ...parts.carries.map((c) => c.initial), ...captures.map((c) => c.value)],
    {
      length: parts.length,
      reverse: parts.reverse,
      ...(parts.layers && { layers: parts.layers }),
      body: {
        family: {},
        ...bound,
        next: next.map((node) => moved.get(node)!),
        yields: parts.yields.map((node) => moved.get(node)!),
        origins: body.origins,
      },
    },
  )
}

export { nodesDownTo }
