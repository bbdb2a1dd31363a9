/**
 * A `data` block → its partitions as datasets, from files: IDX, CSV and text, plain or gzip. A column is read once, however
 * many fields name it; bytes lie in shared memory, so that a worker can fill batches from them without a copy.
 *
 * A vocabulary is learnt from the field of the same name in `train`, as its file has it (before anything is split off), and
 * serves all partitions.
 */
import { constants, open } from 'node:fs/promises'
import { relative } from 'node:path'
import type { DataDescription, FieldDescription, SourceDescription } from '../abi.ts'
import { parseCsv } from '../data/csv.ts'
import { DataError } from '../data/data-error.ts'
import { type Dataset, makeDataset, splitDataset } from '../data/dataset.ts'
import type { Column, Field } from '../data/field.ts'
import { gunzip, isGzip } from '../data/gunzip.ts'
import { parseIdx, parseIdxHeader } from '../data/idx.ts'
import { makeField } from '../data/make-field.ts'
import { readsText } from '../data/text-stage.ts'
import { csvTexts, decodeText, jsonNumbers, jsonTexts, linesOf, type Texts, wholeText } from '../data/texts.ts'
import { tokenColumn } from '../data/tokens.ts'
import { type Tokenizer, trainTokenizer } from '../tokenize/tokenizer.ts'
import { type DataPlace, dataPath } from './data-path.ts'

export interface OpenDataOptions extends DataPlace {
  /** Only these partitions, and what they are cut from. */
  readonly partitions?: readonly string[]
  /** Vocabularies of fields that are known already, as a trained model's are; others are learnt. */
  readonly vocabularies?: ReadonlyMap<string, Tokenizer>
}

export async function openData(
  description: DataDescription,
  options: OpenDataOptions,
): Promise<ReadonlyMap<string, Dataset>> {
  const opening: Opening = { description, options, columns: new Map(), texts: new Map(), learnt: new Map() }
  const datasets = new Map<string, Dataset>()
  const needed = neededPartitions(description, options.partitions)
  for (const partition of description.partitions) {
    if (partition.kind !== 'fields' || !needed.has(partition.name)) continue
    const name = `${description.name}.${partition.name}`
    const fields = await allInOrder(partition.fields.map((field) => openField(field, name, opening)))
    datasets.set(partition.name, makeDataset(name, fields))
  }
  for (const partition of description.partitions) {
    if (partition.kind !== 'split' || !needed.has(partition.name)) continue
    const from = datasets.get(partition.from)
    if (from === undefined) {
      throw new DataError({
        problem: `\`${description.name}\`: \`${partition.name}\` is cut from \`${partition.from}\`, which is not there`,
        fix: `cut it from one of ${[...datasets.keys()].join(', ')}, defined above`,
      })
    }
    const { rest, part } = splitDataset(from, `${description.name}.${partition.name}`, partition.fraction)
    datasets.set(partition.from, rest)
    datasets.set(partition.name, part)
  }
  return datasets
}

/** All at once; where several fail it is the first written that is told, whichever file was read first. */
async function allInOrder<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

/** A split is made even when only the rest is asked for: the rest must not depend on what else is used. */
function neededPartitions(description: DataDescription, asked: readonly string[] | undefined): Set<string> {
  const needed = new Set(asked ?? description.partitions.map(({ name }) => name))
  for (let before = -1; before !== needed.size; ) {
    before = needed.size
    for (const partition of description.partitions) {
      if (partition.kind !== 'split') continue
      if (needed.has(partition.name)) needed.add(partition.from)
      else if (needed.has(partition.from)) needed.add(partition.name)
    }
  }
  return needed
}

/** What is read so far: nothing is read, and no vocabulary learnt, twice. */
interface Opening {
  readonly description: DataDescription
  readonly options: OpenDataOptions
  readonly columns: Map<string, Promise<Column>>
  readonly texts: Map<string, Promise<Texts>>
  readonly learnt: Map<string, Promise<Tokenizer>>
}

async function openField(field: FieldDescription, partition: string, opening: Opening): Promise<Field> {
  const { name, stages } = field
  if (!readsText(stages) && field.source.kind !== 'text' && field.source.kind !== 'lines')
    return makeField(name, await columnOf(field, partition, opening), stages)
  const texts = await textsOf(field, partition, opening)
  const tokenizer = await tokenizerFor(field, opening)
  const { column, stages: rest } = tokenColumn(texts, stages, { name, tokenizer, allocate: shared })
  return { ...makeField(name, column, rest), ...(tokenizer && { vocabulary: tokenizer.record }) }
}

/** The vocabulary of the field of this name in `train`. Fields of one text and tokenizer have one vocabulary. */
async function tokenizerFor(field: FieldDescription, opening: Opening): Promise<Tokenizer | undefined> {
  const tokenize = field.stages.find((stage) => stage.kind === 'tokenize')
  if (!tokenize) return undefined
  const known = opening.options.vocabularies?.get(field.name)
  if (known) return known
  const { description } = opening
  const train = description.partitions.find(({ name }) => name === 'train')
  const source = train?.kind === 'fields' ? train.fields.find(({ name }) => name === field.name) : undefined
  const learn = source?.stages.find((stage) => stage.kind === 'tokenize')
  if (!source || !learn) {
    throw new DataError({
      problem: `field \`${field.name}\` of \`${description.name}\` has no vocabulary: \`train\` has no such field of tokens`,
      fix: `add \`${field.name} = … |> tokenize(…)\` to \`train\``,
    })
  }
  const partition = `${description.name}.train`
  const lower = source.stages.some((stage) => stage.kind === 'lowercase')
  const path = dataPath(source.source.path, description.name, `${partition}.${source.name}`, opening.options)
  const key = JSON.stringify([path, source.source, learn.tokenizer, lower])
  const learnt =
    opening.learnt.get(key) ??
    textsOf(source, partition, opening).then(({ items }) =>
      trainTokenizer(learn.tokenizer, lower ? items.map((text) => text.toLowerCase()) : items),
    )
  opening.learnt.set(key, learnt)
  return learnt
}

function columnOf(field: FieldDescription, partition: string, opening: Opening): Promise<Column> {
  return remembered(opening.columns, field, partition, opening, (path) =>
    readColumn(path, field.source, opening.description.name),
  )
}

function textsOf(field: FieldDescription, partition: string, opening: Opening): Promise<Texts> {
  return remembered(opening.texts, field, partition, opening, (path) =>
    readTexts(path, field, opening.description.name),
  )
}

function remembered<T>(
  known: Map<string, Promise<T>>,
  { name, source }: FieldDescription,
  partition: string,
  { description, options }: Opening,
  read: (path: string) => Promise<T>,
): Promise<T> {
  const path = dataPath(source.path, description.name, `${partition}.${name}`, options)
  const key = JSON.stringify([path, source])
  const found = known.get(key) ?? read(path)
  known.set(key, found)
  return found
}

const shared = (byteLength: number) => new SharedArrayBuffer(byteLength)

async function readColumn(path: string, source: SourceDescription, block: string): Promise<Column> {
  const bytes = await readDataFile(path, block)
  const shown = shorten(path)
  switch (source.kind) {
    case 'idx': {
      const expected = (start: Uint8Array) => parseIdxHeader(shown, start)?.byteLength
      const share = (byteLength: number) => new Uint8Array(shared(byteLength))
      return parseIdx(shown, isGzip(bytes) ? await gunzip(shown, new Uint8Array(bytes), expected, share) : bytes)
    }
    case 'csv': {
      const { columns, header } = source
      return parseCsv(shown, await textOf(shown, bytes), { columns, header, allocate: shared })
    }
    case 'jsonl':
      return jsonNumbers(shown, await textOf(shown, bytes), source.field, shared)
    case 'text':
    case 'lines':
      throw new Error(`${source.kind} has no numbers`)
    default:
      return source satisfies never
  }
}

async function readTexts(path: string, { name, source }: FieldDescription, block: string): Promise<Texts> {
  const shown = shorten(path)
  const text = await textOf(shown, await readDataFile(path, block))
  switch (source.kind) {
    case 'text':
      return wholeText(shown, text)
    case 'lines':
      return linesOf(shown, text)
    case 'jsonl':
      return jsonTexts(shown, text, source.field)
    case 'csv':
      return csvTexts(shown, text, source.columns, source.header)
    case 'idx':
      throw new DataError({
        file: shown,
        problem: `field \`${name}\`: an IDX file holds no text`,
        fix: 'leave out the stages that work on text',
      })
    default:
      return source satisfies never
  }
}

/** The text of a file, gzipped or not. */
async function textOf(shown: string, bytes: Uint8Array): Promise<string> {
  const plain = isGzip(bytes) ? await gunzip(shown, new Uint8Array(bytes)) : bytes
  return decodeText(shown, plain)
}

const sizeLimit = 8 * 2 ** 30

async function readDataFile(path: string, block: string): Promise<Uint8Array> {
  const shown = shorten(path)
  const fail = (problem: string, fix: string, cause?: unknown): never => {
    throw new DataError({ file: shown, problem, fix }, cause)
  }
  try {
    // The path was resolved and checked: a link put there since then is not followed, and a pipe does not block.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      const stat = await handle.stat()
      if (!stat.isFile()) fail('not a file', `name a file, or pass --data ${block}=DIRECTORY`)
      if (stat.size > sizeLimit)
        fail(`${stat.size} bytes, more than the ${sizeLimit} that are read into memory`, 'split the file')
      const bytes = new Uint8Array(new SharedArrayBuffer(stat.size))
      let at = 0
      while (at < stat.size) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(1 << 30, stat.size - at), at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      return bytes.subarray(0, at)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof DataError) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ELOOP')
      return fail('a symbolic link', `name the file that it leads to with --data ${block}=DIRECTORY`, cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return fail(
        'there is no such file',
        `fetch the data first (npm run data), or pass --data ${block}=DIRECTORY`,
        cause,
      )
    }
    if (code === undefined) throw cause
    return fail(`it cannot be read (${code})`, 'check its permissions', cause)
  }
}

/** As a person would write it from where they are. */
function shorten(path: string): string {
  const way = relative(process.cwd(), path)
  return way.length < path.length && !way.startsWith('..') ? way : path
}
