/**
 * A source and its stages → whether each stage can work on what the one before gives: text becomes tokens, tokens are
 * filled up or windowed to examples of one shape, and only those are numbers like those of any other source.
 */
import type { SourceDescription, StageDescription } from '../../../runtime/abi.ts'

/** A table's cells and a JSON field's values are text or numbers, as the first stage takes them. */
type Flow = 'cells' | 'text' | 'tokens' | 'token examples' | 'numbers'

export interface FlowFault {
  /** Of the stages; one past the last when the end is at fault. */
  readonly at: number
  readonly given: string
  readonly wanted: string
}

export function flowFault(source: SourceDescription, stages: readonly StageDescription[]): FlowFault | undefined {
  let flow = startOf(source)
  for (const [at, stage] of stages.entries()) {
    const { takes, gives } = ruleOf(stage)
    if (!takes.includes(flow)) return { at, given: names[flow], wanted: names[takes[0]!] }
    if (flow === 'cells' && gives !== 'numbers' && source.kind === 'csv' && source.columns.length !== 1)
      return { at, given: 'several columns', wanted: 'one column, as in `csv("pairs.tsv", columns: "word")`' }
    flow = gives
  }
  if (flow === 'text')
    return { at: stages.length, given: names.text, wanted: '`tokenize(…)` or `categories([…])` to make numbers of it' }
  if (flow === 'tokens')
    return {
      at: stages.length,
      given: names.tokens,
      wanted: '`pad(length)` or `window(length)` to make them of one length',
    }
  return undefined
}

const names: Readonly<Record<Flow, string>> = {
  cells: 'a column',
  text: 'text',
  tokens: 'tokens of any number',
  'token examples': 'tokens of one length, after `pad` or `window`',
  numbers: 'numbers',
}

function startOf({ kind }: SourceDescription): Flow {
  switch (kind) {
    case 'idx':
      return 'numbers'
    case 'csv':
    case 'jsonl':
      return 'cells'
    case 'text':
    case 'lines':
      return 'text'
    default:
      return kind satisfies never
  }
}

function ruleOf({ kind }: StageDescription): { readonly takes: readonly Flow[]; readonly gives: Flow } {
  switch (kind) {
    case 'lowercase':
      return { takes: ['text', 'cells'], gives: 'text' }
    case 'categories':
      return { takes: ['text', 'cells'], gives: 'numbers' }
    case 'tokenize':
      return { takes: ['text', 'cells'], gives: 'tokens' }
    case 'begin':
    case 'end':
    case 'truncate':
      return { takes: ['tokens'], gives: 'tokens' }
    case 'pad':
    case 'window':
      return { takes: ['tokens'], gives: 'token examples' }
    case 'mask':
      return { takes: ['token examples'], gives: 'numbers' }
    case 'scale':
    case 'shift':
    case 'normalize':
    case 'reshape':
    case 'one_hot':
      return { takes: ['numbers', 'token examples', 'cells'], gives: 'numbers' }
    default:
      return kind satisfies never
  }
}
