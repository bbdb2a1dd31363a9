/**
 * Texts and the text stages of a field → a column of whole numbers: tokens, begun, ended, cut and filled up, or windows over
 * all of them. Done once when the data is opened; batches are then filled as from any other column. Windows share one
 * array of tokens, however much they overlap.
 */
import type { NumberStage, StageDescription, TextStage } from '../abi.ts'
import { special } from '../tokenize/special.ts'
import type { Tokenizer } from '../tokenize/tokenizer.ts'
import { DataError } from './data-error.ts'
import type { Column } from './field.ts'
import { isTextStage } from './text-stage.ts'
import type { Texts } from './texts.ts'

export interface TokenColumn {
  readonly column: Column
  /** The stages that are still to come. */
  readonly stages: readonly NumberStage[]
}

export interface TokenOptions {
  /** The field's name, for faults. */
  readonly name: string
  readonly tokenizer: Tokenizer | undefined
  readonly allocate?: (byteLength: number) => ArrayBufferLike
}

type State =
  | { readonly kind: 'texts'; readonly items: readonly string[] }
  | { readonly kind: 'sequences'; readonly items: readonly Int32Array[] }
  | { readonly kind: 'column'; readonly column: Column }

export function tokenColumn(texts: Texts, stages: readonly StageDescription[], options: TokenOptions): TokenColumn {
  const count = stages.findIndex((stage) => !isTextStage(stage))
  const mine = stages.slice(0, count === -1 ? stages.length : count) as TextStage[]
  const rest = stages.slice(mine.length)
  let state: State = { kind: 'texts', items: texts.items }
  for (const stage of mine) state = apply(state, stage, texts, options)
  if (state.kind !== 'column') {
    const problem = state.kind === 'texts' ? 'it is text to the end' : 'its examples are tokens of any number'
    const fix = state.kind === 'texts' ? 'add `tokenize(…)`' : 'add `pad(length)` or `window(length)`'
    throw new DataError({ file: texts.file, problem: `field \`${options.name}\`: ${problem}`, fix })
  }
  const later = rest.find(isTextStage)
  if (later) throw misplaced(later, texts, options)
  return { column: state.column, stages: rest as NumberStage[] }
}

function apply(state: State, stage: TextStage, texts: Texts, options: TokenOptions): State {
  const sequences = (): readonly Int32Array[] => {
    if (state.kind !== 'sequences') throw misplaced(stage, texts, options)
    return state.items
  }
  const strings = (): readonly string[] => {
    if (state.kind !== 'texts') throw misplaced(stage, texts, options)
    return state.items
  }
  switch (stage.kind) {
    case 'lowercase':
      return { kind: 'texts', items: strings().map((text) => text.toLowerCase()) }
    case 'categories':
      return { kind: 'column', column: categories(strings(), stage.names, texts, options) }
    case 'tokenize': {
      const { tokenizer } = options
      if (!tokenizer) throw new Error(`field ${options.name} has no vocabulary`)
      return { kind: 'sequences', items: strings().map((text) => tokenizer.encode(text)) }
    }
    case 'begin':
      return { kind: 'sequences', items: sequences().map((ids) => Int32Array.of(special.bos, ...ids)) }
    case 'end':
      return { kind: 'sequences', items: sequences().map((ids) => appended(ids, special.eos)) }
    case 'truncate':
      return { kind: 'sequences', items: sequences().map((ids) => ids.subarray(0, stage.length)) }
    case 'pad':
      return { kind: 'column', column: padded(sequences(), stage, texts, options) }
    case 'window':
      return { kind: 'column', column: windows(sequences(), stage, texts, options) }
    case 'mask':
      if (state.kind !== 'column') throw misplaced(stage, texts, options)
      return { kind: 'column', column: maskOf(state.column, options) }
    default:
      return stage satisfies never
  }
}

function appended(ids: Int32Array, id: number): Int32Array {
  const longer = new Int32Array(ids.length + 1)
  longer.set(ids)
  longer[ids.length] = id
  return longer
}

const plain = (byteLength: number) => new ArrayBuffer(byteLength)

function padded(
  items: readonly Int32Array[],
  { length, buckets }: TextStage & { kind: 'pad' },
  texts: Texts,
  { name, allocate = plain }: TokenOptions,
): Column {
  const array = new Int32Array(allocate(4 * items.length * length))
  for (const [example, ids] of items.entries()) {
    if (ids.length > length) {
      throw new DataError({
        file: texts.file,
        line: texts.lineOf(example),
        problem: `field \`${name}\`: ${ids.length} tokens, and \`pad(${length})\` takes at most ${length}`,
        fix: `pad to the longest, ${longest(items)}, or put \`truncate(${length})\` before`,
      })
    }
    array.set(ids, example * length)
  }
  const column: Column = { file: texts.file, examples: items.length, shape: [length], values: { kind: 'host', array } }
  if (buckets === undefined) return column
  const of = new Uint8Array(allocate(items.length))
  for (const [example, ids] of items.entries()) of[example] = buckets.findIndex((size) => ids.length <= size)
  return { ...column, buckets: { lengths: buckets, of } }
}

const longest = (items: readonly Int32Array[]): number => items.reduce((most, ids) => Math.max(most, ids.length), 0)

/** Each window has a token after it at the least, so that windows with and without `ahead: 1` are equally many. */
function windows(
  items: readonly Int32Array[],
  { length, stride, ahead }: TextStage & { kind: 'window' },
  texts: Texts,
  { name, allocate = plain }: TokenOptions,
): Column {
  const total = items.reduce((sum, ids) => sum + ids.length, 0)
  if (total < length + 1) {
    throw new DataError({
      file: texts.file,
      problem: `field \`${name}\`: ${total} tokens in all, too few for a window of ${length} and one more`,
      fix: 'choose a shorter window, or more text',
    })
  }
  const array = new Int32Array(allocate(4 * total))
  let at = 0
  for (const ids of items) {
    array.set(ids, at)
    at += ids.length
  }
  return {
    file: texts.file,
    examples: Math.floor((total - length - 1) / stride) + 1,
    shape: [length],
    values: { kind: 'host', array },
    layout: { first: ahead, stride },
  }
}

function maskOf({ values, ...column }: Column, { allocate = plain }: TokenOptions): Column {
  if (values.kind !== 'host') throw new Error('tokens lie in an array of the host')
  const array = new Uint8Array(allocate(values.array.length))
  for (let i = 0; i < array.length; i++) array[i] = values.array[i] === special.pad ? 0 : 1
  return { ...column, values: { kind: 'host', array } }
}

function categories(
  items: readonly string[],
  names: readonly string[],
  texts: Texts,
  { name, allocate = plain }: TokenOptions,
): Column {
  const places = new Map(names.map((each, i) => [each, i]))
  const array = new Int32Array(allocate(4 * items.length))
  for (const [example, text] of items.entries()) {
    const place = places.get(text.trim())
    if (place === undefined) {
      throw new DataError({
        file: texts.file,
        line: texts.lineOf(example),
        problem: `field \`${name}\`: ${JSON.stringify(text.slice(0, 40))} is none of the categories`,
        fix: `there are ${names.slice(0, 20).join(', ')}; correct the line or add to them`,
      })
    }
    array[example] = place
  }
  return { file: texts.file, examples: items.length, shape: [], values: { kind: 'host', array } }
}

function misplaced(stage: TextStage, texts: Texts, { name }: TokenOptions): DataError {
  return new DataError({
    file: texts.file,
    problem: `field \`${name}\`: \`${stage.kind}\` cannot stand where it does`,
    fix: 'the order is text, `tokenize(…)`, then `begin`, `end` or `truncate`, then `pad` or `window`, then `mask`',
  })
}
