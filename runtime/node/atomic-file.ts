/**
 * Chunks → a file that is there whole or not at all, whatever is killed when: written beside its place under another
 * name, flushed, renamed over it, and the directory flushed, so that the rename survives a power cut too (the recipe of
 * "All file systems are not created equal", OSDI 2014).
 */
import * as fs from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** What of the file system is used; tests make the k-th call fail. */
export interface FileSystem {
  open(path: string, flags: string): Promise<FileHandle>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
}
export interface FileHandle {
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>
  sync(): Promise<void>
  close(): Promise<void>
}

const temporary = /^\..+\.[0-9]+-[0-9]+\.tmp$/
/** At most this much is given to one write: larger ones are cut short on some systems. */
const part = 64 << 20
let counter = 0

export async function writeFileAtomically(
  path: string,
  chunks: readonly Uint8Array[] | Uint8Array | string,
  system: FileSystem = fs,
): Promise<void> {
  const pieces =
    typeof chunks === 'string' ? [new TextEncoder().encode(chunks)] : chunks instanceof Uint8Array ? [chunks] : chunks
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}-${counter++}.tmp`)
  const file = await system.open(beside, 'wx')
  try {
    try {
      for (const piece of pieces) await writeWhole(file, piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await system.rename(beside, path)
  } catch (error) {
    await system.unlink(beside).catch(() => {})
    throw error
  }
  await syncDirectory(dirname(path), system)
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(part, bytes.length - at))
    at += bytesWritten
  }
}

/** Windows cannot open directories, and needs it less: its rename is journalled. */
async function syncDirectory(path: string, system: FileSystem): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await system.open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Removes what a killed process left of its writing. Only for a directory that no one else is writing to. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await fs.readdir(directory))
    if (temporary.test(name)) await fs.unlink(join(directory, name)).catch(() => {})
}
