/**
 * The state of a training run ↔ a safetensors file: parameters and states under their paths, moments under `moment/` and
 * their name (no path holds a slash), everything else in `__metadata__`. Random draws are functions of seed, step and
 * epoch, so these numbers are the whole state of the generators.
 *
 * The first metadata field is a checksum of the whole file, taken with the checksum's own digits as zeros.
 */
import { CheckpointError } from './checkpoint-error.ts'
import { joinChunks, parseSafetensors, safetensorsChunks, type Tensor } from './safetensors.ts'
import { xxhash32 } from './xxhash32.ts'

export interface Checkpoint {
  readonly program: string
  /** Hash of the source text that the program was compiled from. */
  readonly source: string
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly progress: TrainProgress
  /** What its final weights will say of themselves, said here too: the text, the compiler, the block, vocabularies. */
  readonly about?: ReadonlyMap<string, string> | undefined
}

/** Where a run stands. Plain JSON. */
export interface TrainProgress {
  readonly seed: number
  readonly batch: number
  /** Steps done. */
  readonly step: number
  /** The epoch in progress, counted from 0, and how many of its batches are done. */
  readonly epoch: number
  readonly epochBatches: number
  /** Sums over the epoch so far, weighted by examples. */
  readonly epochExamples: number
  readonly epochSums: Readonly<Record<string, number>>
  readonly best: { readonly step: number; readonly value: number } | undefined
  /** Validations since the best. */
  readonly stale: number
  /** A validation at this step was interrupted and is still to be made. */
  readonly owesValidation: boolean
}

const formatVersion = '1'
const checksumZeros = '00000000'
const momentPrefix = 'moment/'
/** Where the checksum's digits are: after the header's length and this beginning. */
const beginning = '{"__metadata__":{"checksum":"'
const checksumAt = 8 + beginning.length

export const momentKey = (name: string): string => `${momentPrefix}${name}`
export const isMomentKey = (key: string): boolean => key.startsWith(momentPrefix)

export function encodeCheckpoint({ program, source, tensors, progress, about = new Map() }: Checkpoint): Uint8Array[] {
  const own = new Map([
    ['checksum', checksumZeros],
    ['format', `dlm checkpoint ${formatVersion}`],
    ['program', program],
    ['source', source],
    ['seed', String(progress.seed)],
    ['step', String(progress.step)],
    ['epoch', String(progress.epoch)],
    ['progress', JSON.stringify(progress)],
  ])
  const metadata = new Map([...own, ...[...about].filter(([key]) => !own.has(key))])
  const chunks = safetensorsChunks(tensors, metadata)
  const digits = checksum(chunks)
  for (let i = 0; i < digits.length; i++) chunks[0]![checksumAt + i] = digits.charCodeAt(i)
  return chunks
}

export function decodeCheckpoint(file: string, bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = parseSafetensors(file, bytes)
  if (metadata.get('format') === undefined) {
    throw new CheckpointError(file, 'weights, but no checkpoint of a training run', {
      fix: 'load it as weights, or resume from a run’s directory',
    })
  }
  if (metadata.get('format') !== `dlm checkpoint ${formatVersion}`) {
    throw new CheckpointError(
      file,
      `of the format ${JSON.stringify(metadata.get('format'))}, which this version does not read`,
    )
  }
  const given = metadata.get('checksum') ?? ''
  const start = new TextDecoder().decode(bytes.subarray(8, checksumAt + given.length))
  const plain = bytes.slice(0, checksumAt + checksumZeros.length).fill(0x30, checksumAt)
  if (start !== beginning + given || checksum([plain, bytes.subarray(plain.length)]) !== given) {
    throw new CheckpointError(file, 'its checksum does not agree with its contents', {
      fix: 'use an earlier checkpoint',
    })
  }
  return {
    program: metadata.get('program') ?? '',
    source: metadata.get('source') ?? '',
    tensors,
    progress: parseProgress(file, metadata.get('progress') ?? ''),
  }
}

const counts = ['seed', 'batch', 'step', 'epoch', 'epochBatches', 'epochExamples', 'stale'] as const

function parseProgress(file: string, text: string): TrainProgress {
  const damaged = () =>
    new CheckpointError(file, 'its training progress cannot be read', { fix: 'use an earlier checkpoint' })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged()
  }
  if (typeof value !== 'object' || value === null) throw damaged()
  const { epochSums, best } = value as Partial<TrainProgress>
  if (counts.some((name) => !Number.isSafeInteger((value as Partial<TrainProgress>)[name]))) throw damaged()
  if (typeof epochSums !== 'object' || epochSums === null) throw damaged()
  if (best !== undefined && !(Number.isFinite(best?.step) && Number.isFinite(best?.value))) throw damaged()
  // JSON writes a sum that is no number (a metric without cases) as null.
  const sums = Object.fromEntries(
    Object.entries(epochSums).map(([name, sum]) => [name, typeof sum === 'number' ? sum : Number.NaN]),
  )
  return { ...(value as TrainProgress), epochSums: sums }
}

function checksum(chunks: readonly Uint8Array[]): string {
  const hash = xxhash32()
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest()
}

/** Where checkpoints go: a directory, or the memory of a page. */
export interface CheckpointStore {
  /** Returns where it went, for people. */
  save(checkpoint: Checkpoint, best: boolean): Promise<string>
  /** The newest that can be read, newest first; damaged ones are passed over. */
  recent(count: number): Promise<readonly Checkpoint[]>
  /** The result of the run. */
  saveModel(tensors: ReadonlyMap<string, Tensor>, metadata: ReadonlyMap<string, string>): Promise<string>
}

/** Keeps the last few checkpoints as the bytes of their files. */
export function memoryStore(keep = 2): CheckpointStore & { readonly model: () => Uint8Array[] | undefined } {
  const files: Uint8Array[] = []
  let model: Uint8Array[] | undefined
  return {
    async save(checkpoint) {
      files.unshift(joinChunks(encodeCheckpoint(checkpoint)))
      files.length = Math.min(files.length, keep)
      return 'memory'
    },
    recent: async (count) => files.slice(0, count).map((file) => decodeCheckpoint('memory', file)),
    async saveModel(tensors, metadata) {
      model = safetensorsChunks(tensors, metadata)
      return 'memory'
    },
    model: () => model,
  }
}
