/** A kernel's name says what it computes: `contract_add_maximum`. It is made of op names only, never of the user's words. */
import type { Node } from '../ir/graph.ts'
import type { Kernel } from '../ir/kernel.ts'
import { lowerOf } from '../ops/registry.ts'
import type { Group } from './group.ts'

const most = 5

export function kernelName(group: Group, kind: Kernel['kind'], nodes: readonly Node[]): string {
  const words: string[] = kind === 'map' || kind === 'row' ? [kind] : []
  for (const node of nodes) {
    const lowering = lowerOf(node)
    if (
      lowering.kind === 'view' ||
      lowering.kind === 'index' ||
      (lowering.kind === 'map' && lowering.scalar.startsWith('to_'))
    )
      continue
    if (!words.includes(node.op)) words.push(node.op)
  }
  // An anchor's op comes before what merely surrounds it.
  const anchors = new Set<string>(group.anchors.map((node) => node.op))
  const [first, ...rest] = words
  const ordered = [
    ...(first === undefined ? [] : [first]),
    ...rest.filter((w) => anchors.has(w)),
    ...rest.filter((w) => !anchors.has(w)),
  ]
  if (kind === 'contract') ordered.sort((a, b) => Number(b === 'contract') - Number(a === 'contract'))
  if (ordered.length === 1) ordered.push(...new Set(nodes.filter((n) => lowerOf(n).kind === 'view').map((n) => n.op)))
  return ordered.length > most ? `${ordered.slice(0, most).join('_')}_and_more` : ordered.join('_')
}
