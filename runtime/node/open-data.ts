/**
 * A `data` block → its partitions as datasets, from files: IDX and CSV, plain or gzip. Every file is read once, however many
 * fields name it; bytes lie in shared memory, so that a worker can fill batches from them without a copy.
 */
import { constants, open } from 'node:fs/promises'
import { relative } from 'node:path'
import type { DataDescription, FieldDescription, SourceDescription } from '../abi.ts'
import { parseCsv } from '../data/csv.ts'
import { DataError } from '../data/data-error.ts'
import { type Dataset, makeDataset, splitDataset } from '../data/dataset.ts'
import type { Column } from '../data/field.ts'
import { gunzip, isGzip } from '../data/gunzip.ts'
import { parseIdx, parseIdxHeader } from '../data/idx.ts'
import { makeField } from '../data/make-field.ts'
import { type DataPlace, dataPath } from './data-path.ts'

export interface OpenDataOptions extends DataPlace {
  /** Only these partitions, and what they are cut from. */
  readonly partitions?: readonly string[]
}

export async function openData(
  description: DataDescription,
  options: OpenDataOptions,
): Promise<ReadonlyMap<string, Dataset>> {
  const columns = new Map<string, Promise<Column>>()
  const datasets = new Map<string, Dataset>()
  const needed = neededPartitions(description, options.partitions)
  for (const partition of description.partitions) {
    if (partition.kind !== 'fields' || !needed.has(partition.name)) continue
    const name = `${description.name}.${partition.name}`
    const fields = await Promise.all(
      partition.fields.map(async (field) =>
        makeField(field.name, await columnOf(field, description.name, name, options, columns), field.stages),
      ),
    )
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

async function columnOf(
  field: FieldDescription,
  block: string,
  partition: string,
  options: OpenDataOptions,
  columns: Map<string, Promise<Column>>,
): Promise<Column> {
  const path = dataPath(field.source.path, block, `${partition}.${field.name}`, options)
  const key = JSON.stringify([path, field.source])
  const known = columns.get(key) ?? readColumn(path, field.source, block)
  columns.set(key, known)
  return known
}

async function readColumn(path: string, source: SourceDescription, block: string): Promise<Column> {
  const bytes = await readDataFile(path, block)
  const shown = shorten(path)
  const share = (byteLength: number) => new Uint8Array(new SharedArrayBuffer(byteLength))
  switch (source.kind) {
    case 'idx': {
      const expected = (start: Uint8Array) => parseIdxHeader(shown, start)?.byteLength
      return parseIdx(shown, isGzip(bytes) ? await gunzip(shown, new Uint8Array(bytes), expected, share) : bytes)
    }
    case 'csv': {
      const plain = isGzip(bytes) ? await gunzip(shown, new Uint8Array(bytes)) : bytes
      let text: string
      try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(plain))
      } catch (cause) {
        throw new DataError({ file: shown, problem: 'not UTF-8 text', fix: 'save the file as UTF-8' }, cause)
      }
      return parseCsv(shown, text, {
        columns: source.columns,
        header: source.header,
        allocate: (byteLength) => new SharedArrayBuffer(byteLength),
      })
    }
    default:
      return source satisfies never
  }
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
