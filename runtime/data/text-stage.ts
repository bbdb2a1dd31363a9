/** Which stages work on text and tokens; they come before those that work on numbers. */
import type { StageDescription, TextStage } from '../abi.ts'

const textStages: ReadonlySet<string> = new Set<TextStage['kind']>([
  'lowercase',
  'categories',
  'tokenize',
  'begin',
  'end',
  'truncate',
  'pad',
  'window',
  'mask',
])

export function isTextStage(stage: StageDescription): stage is TextStage {
  return textStages.has(stage.kind)
}

/** Whether stages begin with one that works on text. */
export function readsText([first]: readonly StageDescription[]): boolean {
  return first?.kind === 'tokenize' || first?.kind === 'categories' || first?.kind === 'lowercase'
}
