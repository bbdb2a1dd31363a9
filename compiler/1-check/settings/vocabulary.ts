/**
 * Token ids beside the tables that a model looks them up in: a vocabulary of 96 ids needs 96 rows. A vocabulary's size is
 * written in the program (`chars(96)`), so this is known without reading any text.
 */
import type { FieldDescription, TokenizerDescription } from '../../../runtime/abi.ts'
import type { Node } from '../../ir/graph.ts'
import { opOf } from '../../ops/registry.ts'
import type { ModelGraph, TensorPort } from '../../program.ts'

/** How many ids a field's tokens have; `undefined`: they are no tokens, or become other numbers. */
export function tokenCount({ stages }: FieldDescription): number | undefined {
  const tokenize = stages.find((stage) => stage.kind === 'tokenize')
  const other = stages.some(
    (s) => s.kind === 'mask' || s.kind === 'scale' || s.kind === 'shift' || s.kind === 'normalize',
  )
  return tokenize === undefined || other ? undefined : sizeOf(tokenize.tokenizer)
}

/** The four special tokens and the bytes are ids of every vocabulary of bytes. */
function sizeOf(tokenizer: TokenizerDescription): number {
  return tokenizer.kind === 'bytes' ? 260 : tokenizer.size
}

/** The fewest rows of the tables in which a port's numbers are looked up as they are; `undefined`: in none. */
export function rowsLookedUp(
  port: TensorPort,
  model: ModelGraph,
  behind: ReadonlyMap<Node, readonly Node[]>,
): number | undefined {
  const known = tables.get(model) ?? tablesOf(model, behind)
  tables.set(model, known)
  return known.get(port.node)
}

/** Of each model: by what is looked up, the fewest rows. It is asked for every port of every partition. */
const tables = new WeakMap<ModelGraph, ReadonlyMap<Node, number>>()

function tablesOf(model: ModelGraph, behind: ReadonlyMap<Node, readonly Node[]>): ReadonlyMap<Node, number> {
  const rows = new Map<Node, number>()
  for (const node of reached([...model.outputs, ...(model.loss ? [{ node: model.loss }] : [])], behind)) {
    if (opOf(node).lower.kind !== 'lookup') continue
    let index = node.operands[1]!
    while (opOf(index).lower.kind === 'view' && index.operands.length === 1) index = index.operands[0]!
    const size = node.operands[0]!.shape[(node.attributes as { readonly axis: number }).axis]?.constant
    if (size !== undefined) rows.set(index, Math.min(rows.get(index) ?? size, size))
  }
  return rows
}

/** The nodes behind the results, also through leaves that stand for calls. */
function reached(
  results: Iterable<{ readonly node: Node }>,
  behind: ReadonlyMap<Node, readonly Node[]>,
): ReadonlySet<Node> {
  const found = new Set([...results].map(({ node }) => node))
  // A set is walked in the order in which it grows.
  for (const node of found) {
    for (const each of node.operands) found.add(each)
    for (const each of behind.get(node) ?? []) found.add(each)
  }
  return found
}
