/** A kernel → what it costs, and where it comes from. */
import { position, type Span } from '../../grammar/source.ts'
import { type Dim, multiply } from '../ir/dim.ts'
import type { Kernel, ScanKernel } from '../ir/kernel.ts'
import { opOf } from '../ops/registry.ts'
import { total } from './sizes.ts'

/** What a plan says of a kernel: the same for each target and each time that it is run. */
export interface KernelFacts {
  /** A recurrence in one kernel does the work of its body in every turn. */
  readonly flops: Dim
  /** `convnet.dlm:14`, in the user's own files first, each once. */
  readonly origins: readonly string[]
  readonly stops: readonly string[]
}

export function factsOf(kernel: Kernel | ScanKernel): KernelFacts {
  const known = facts.get(kernel)
  if (known) return known
  const flops = total(kernel.nodes.map((node) => opOf(node).cost(node, node.attributes as never).flops))
  const made: KernelFacts = {
    flops: kernel.kind === 'scan' ? multiply(kernel.time.extent, flops) : flops,
    origins: originLines(kernel),
    stops: distinct(kernel.stops.map(({ reason }) => reason)),
  }
  facts.set(kernel, made)
  return made
}
const facts = new WeakMap<Kernel | ScanKernel, KernelFacts>()

/** Each once: lists of a few, most of them of one or none. */
const distinct = (texts: readonly string[]): readonly string[] =>
  texts.length < 2 ? texts : texts.filter((text, i) => texts.indexOf(text) === i)

function originLines({ origins }: Kernel | ScanKernel): readonly string[] {
  const lines = new Set<string>()
  for (let i = 0; i < origins.length; i++) lines.add(lineOf(origins[i]!.span))
  const own = [...lines].filter((l) => !l.startsWith('std/'))
  return own.length > 0 ? own : [...lines]
}

/** The layers of a stack come from the same lines, each of which is counted out from the beginning of its file. */
function lineOf(span: Span): string {
  const known = lineOfSpan.get(span)
  if (known !== undefined) return known
  const line = `${span.source.path}:${position(span.source, span.start).line}`
  lineOfSpan.set(span, line)
  return line
}
const lineOfSpan = new WeakMap<Span, string>()
