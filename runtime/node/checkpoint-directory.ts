/**
 * A directory of checkpoints: `step-00001000.safetensors` for the last few, `best.safetensors` beside them. Each is whole or
 * absent; one that rotted is passed over for the one before.
 */
import { open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Checkpoint, type CheckpointStore, decodeCheckpoint, encodeCheckpoint } from '../checkpoint.ts'
import { CheckpointError } from '../checkpoint-error.ts'
import { safetensorsChunks } from '../safetensors.ts'
import { type FileSystem, removeTemporaries, writeFileAtomically } from './atomic-file.ts'
import { makeFolder } from './make-folder.ts'

export interface CheckpointDirectoryOptions {
  /** How many of the last to keep; at least two, so that one damaged file loses little. */
  readonly keep?: number | undefined
  /** Where the final weights go. */
  readonly model: string
  readonly system?: FileSystem | undefined
  /** Told of a file that could not be read. */
  readonly onDamaged?: (error: CheckpointError) => void
}

/** Where the checkpoint of a step lies. */
export function checkpointFile(directory: string, step: number): string {
  return join(directory, `step-${String(step).padStart(8, '0')}.safetensors`)
}

const pattern = /^step-([0-9]{8,})\.safetensors$/

export async function checkpointDirectory(path: string, options: CheckpointDirectoryOptions): Promise<CheckpointStore> {
  const keep = Math.max(2, options.keep ?? 2)
  const { system } = options
  await asCheckpointError(path, async () => makeFolder(path))
  await removeTemporaries(path)

  /** Newest first. */
  const list = async () => {
    const found = (await readdir(path)).flatMap((name) => {
      const match = pattern.exec(name)
      return match === null ? [] : [{ file: join(path, name), step: Number(match[1]) }]
    })
    return found.sort((a, b) => b.step - a.step)
  }
  return {
    async save(checkpoint, best) {
      const { step } = checkpoint.progress
      const file = checkpointFile(path, step)
      const chunks = encodeCheckpoint(checkpoint)
      await asCheckpointError(file, () => writeFileAtomically(file, chunks, system))
      if (best) {
        const place = join(path, 'best.safetensors')
        await asCheckpointError(place, () => writeFileAtomically(place, chunks, system))
      }
      // Only after the new one is safe. A later step can only be a damaged file that this run went back behind.
      const others = (await list()).filter((other) => other.step !== step)
      const old = [
        ...others.filter((other) => other.step > step),
        ...others.filter((other) => other.step < step).slice(keep - 1),
      ]
      for (const other of old) await unlink(other.file).catch(() => {})
      return file
    },
    async recent(count) {
      const found: Checkpoint[] = []
      for (const { file } of await list()) {
        if (found.length === count) break
        try {
          found.push(await readCheckpoint(file))
        } catch (error) {
          if (!(error instanceof CheckpointError)) throw error
          options.onDamaged?.(error)
        }
      }
      return found
    },
    async saveModel(tensors, metadata) {
      await asCheckpointError(options.model, () =>
        writeFileAtomically(options.model, safetensorsChunks(tensors, metadata), system),
      )
      return options.model
    },
  }
}

export async function readCheckpoint(file: string): Promise<Checkpoint> {
  return decodeCheckpoint(file, await readWholeFile(file))
}

/** A file of any size: `readFile` ends at 2 GiB. */
export async function readWholeFile(file: string): Promise<Uint8Array> {
  return asCheckpointError(file, async () => {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      const bytes = new Uint8Array(size)
      let at = 0
      while (at < size) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(1 << 30, size - at), at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      return bytes.subarray(0, at)
    } finally {
      await handle.close()
    }
  })
}

const advice = new Map([
  ['ENOSPC', 'make room on the disk'],
  ['EDQUOT', 'make room within the quota'],
  ['EACCES', 'check the permissions of the directory, or choose another with --out'],
  ['EPERM', 'check the permissions of the directory, or choose another with --out'],
  ['EROFS', 'the disk can only be read: choose another with --out'],
  ['ENOENT', 'check the path'],
  ['EMFILE', 'too many files are open: close some, or raise the limit (ulimit -n)'],
])

async function asCheckpointError<T>(file: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (cause instanceof CheckpointError || code === undefined) throw cause
    throw new CheckpointError(file, `the file system says ${code}`, {
      fix: advice.get(code) ?? 'try another place with --out',
      systemCode: code,
      cause,
    })
  }
}
