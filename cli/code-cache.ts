/**
 * What V8 makes of the command's own code, and of TypeScript's nine megabytes when JavaScript is written, is kept in the user's cache: a
 * verb that ran once starts without compiling anything. From Node 22.1 on, Node does it (`module.enableCompileCache`); before,
 * this does the same for CommonJS, which is what `dist/cli` is bundled to for that reason.
 *
 * An entry is used for the same file (path, size, times), the same Node, and the same verb, since functions are compiled when they are first
 * called. Whatever cannot be read, has another digest or is refused by V8 counts as not there; what cannot be written is not. An
 * entry is written beside its place and renamed (decision 25).
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { dirname, join } from 'node:path'
import { Script } from 'node:vm'
import { makeFolder } from '../runtime/node/make-folder.ts'
import { cacheFolder } from './cache-folder.ts'

interface CommonModule {
  exports: unknown
}
/** What of Node's loader is used: it has no types, but has been the same since Node 12. */
interface Loader {
  readonly enableCompileCache?: () => void
  readonly prototype: { _compile(this: CommonModule, code: string, file: string): unknown }
  wrap(code: string): string
  createRequire(file: string): (name: string) => unknown
}
interface Entry {
  readonly script: Script
  readonly path: string
  readonly key: Buffer
}

/** Bytes of all entries: five verbs of one installation were seen to take 16 MiB. */
const most = 64 * 2 ** 20

const importsPackages = /\bimport\(["'](?!\.)/

/** Shorter texts are compiled faster than they are looked up. */
const shortest = 20_000

export function keepCompiledCode(verb: string): void {
  const loader = nodeModule as unknown as Loader
  if (process.env['NODE_DISABLE_COMPILE_CACHE']) return
  if (loader.enableCompileCache) {
    loader.enableCompileCache()
    return
  }
  const folder = join(cacheFolder(), 'code')
  const fresh: Entry[] = []
  const compile = loader.prototype._compile
  loader.prototype._compile = function (code, file) {
    // What imports packages by itself is left to Node's loader: a script of ours could not.
    if (code.length < shortest || importsPackages.test(code)) return compile.call(this, code, file)
    const path = join(folder, digest(`${verb} ${file}`).toString('hex').slice(0, 32))
    const key = keyOf(file)
    const cachedData = key && entryAt(path, key)
    const script = new Script(loader.wrap(code.replace(/^#!.*/, '')), {
      filename: file,
      ...(cachedData && { cachedData }),
    })
    if (key && (!cachedData || script.cachedDataRejected)) fresh.push({ script, path, key })
    const body = script.runInThisContext() as (...words: unknown[]) => unknown
    return body.call(this.exports, this.exports, loader.createRequire(file), this, file, dirname(file))
  }
  process.once('exit', (status) => {
    // A word that is no verb leaves nothing.
    if (status >= 2 || fresh.length === 0) return
    for (const entry of fresh) write(entry)
    dropOldest(folder)
  })
}

const digest = (of: string | Buffer): Buffer => createHash('sha1').update(of).digest()

/** Of a file as it is now, under this Node. */
function keyOf(file: string): Buffer | undefined {
  try {
    const { size, mtimeMs, ctimeMs } = statSync(file)
    return digest([process.version, process.arch, size, mtimeMs, ctimeMs].join(' '))
  } catch {
    return undefined
  }
}

/** An entry is its key, the digest of the code, and the code. */
function entryAt(path: string, key: Buffer): Buffer | undefined {
  try {
    const entry = readFileSync(path)
    const code = entry.subarray(2 * key.length)
    const whole =
      entry.subarray(0, key.length).equals(key) && entry.subarray(key.length, 2 * key.length).equals(digest(code))
    return whole ? code : undefined
  } catch {
    return undefined
  }
}

function write({ script, path, key }: Entry): void {
  const beside = `${path}.${process.pid}.tmp`
  try {
    const code = script.createCachedData()
    makeFolder(dirname(path), 0o700)
    writeFileSync(beside, Buffer.concat([key, digest(code), code]), { mode: 0o600 })
    renameSync(beside, path)
  } catch {
    try {
      rmSync(beside)
    } catch {}
  }
}

/** Entries of installations that are gone are never asked for again; what is dropped though it is used is made anew. */
function dropOldest(folder: string): void {
  try {
    const entries = readdirSync(folder)
      .map((name) => join(folder, name))
      .map((path) => ({ path, ...statSync(path) }))
      .sort((a, b) => b.mtimeMs - a.mtimeMs)
    let bytes = 0
    for (const { path, size } of entries) {
      bytes += size
      if (bytes > most) rmSync(path)
    }
  } catch {}
}
