/**
 * Software Vulkan drivers for Node: finds Mesa's lavapipe on the system, or unpacks the SwiftShader that
 * `@sparticuz/chromium` ships, and points this process at one of them.
 *
 * Before → after: a process in which Dawn would find no adapter (or a hardware one) → one in which it finds the driver
 * asked for. `useSoftwareVulkan` must run before the first WebGPU instance is created: the Vulkan loader reads its
 * environment once.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { makeFolder } from './make-folder.ts'

export type SoftwareVulkanName = 'lavapipe' | 'swiftshader'

export interface SoftwareVulkan {
  readonly name: SoftwareVulkanName
  /** The driver manifest (ICD) for `VK_DRIVER_FILES`. */
  readonly manifest: string
  /** A Vulkan loader to use in place of the system's, which may be absent. */
  readonly loader: string | undefined
}

/** Where the driver is, or `undefined` when this machine does not have it. */
export function findSoftwareVulkan(name: SoftwareVulkanName): SoftwareVulkan | undefined {
  switch (name) {
    case 'lavapipe':
      return findLavapipe()
    case 'swiftshader':
      return findSwiftShader()
    default:
      return name satisfies never
  }
}

/** Points this process at a driver. */
export function useSoftwareVulkan(driver: SoftwareVulkan): void {
  process.env.VK_ICD_FILENAMES = driver.manifest
  process.env.VK_DRIVER_FILES = driver.manifest
  if (driver.loader !== undefined) keepLibraryLoaded(driver.loader)
}

/** dlopen's RTLD_NODELETE on Linux: the library stays in the process when its handle is closed. */
const RTLD_NODELETE = 0x1000

/**
 * Dawn opens `libvulkan.so.1` by its bare name, and `LD_LIBRARY_PATH` is read only when a process starts. But glibc
 * gives back a library that is in the process already if its SONAME matches, so it is enough to load ours first.
 * `process.dlopen` is the one way to do that from JavaScript: it loads the library, finds that it is no addon, closes
 * its handle again (to no effect, by RTLD_NODELETE) and throws.
 */
function keepLibraryLoaded(path: string): void {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE)
  } catch (error) {
    if (!String(error).includes('did not self-register')) throw error
  }
}

// ---------------------------------------------------------------- lavapipe

const manifestFolders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']

/** Mesa 22.3, in Debian 12 itself, lacks what Dawn requires of a driver. */
const oldestMesa = 23

function findLavapipe(): SoftwareVulkan | undefined {
  for (const folder of manifestFolders) {
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder)) {
      if (!/^lvp_icd.*\.json$/.test(file)) continue
      const manifest = join(folder, file)
      const version = mesaVersion(manifest)
      if (version === undefined || version >= oldestMesa) return { name: 'lavapipe', manifest, loader: undefined }
    }
  }
  return undefined
}

/** Mesa's major version, as its driver library states it; `undefined` where that cannot be read. */
function mesaVersion(manifest: string): number | undefined {
  try {
    const library: unknown = JSON.parse(readFileSync(manifest, 'utf8')).ICD.library_path
    if (typeof library !== 'string') return undefined
    const folders = [
      dirname(manifest),
      '/usr/lib/x86_64-linux-gnu',
      '/usr/lib/aarch64-linux-gnu',
      '/usr/lib64',
      '/usr/lib',
    ]
    const path = folders.map((folder) => resolve(folder, library)).find((candidate) => existsSync(candidate))
    const stated = path && /Mesa (\d+)\.\d+/.exec(readFileSync(path, 'latin1'))
    return stated ? Number(stated[1]) : undefined
  } catch {
    return undefined
  }
}

// ---------------------------------------------------------------- SwiftShader

/** Unpacks the driver and its loader (7 MB) once into `node_modules/.cache`, or the temporary folder if that is read-only. */
function findSwiftShader(): SoftwareVulkan | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const archive = swiftShaderArchive()
  if (!archive) return undefined
  for (const cache of [join(archive.modules, '.cache', 'dlm'), join(tmpdir(), `dlm-${process.getuid?.() ?? 0}`)]) {
    const folder = join(cache, `swiftshader-${archive.version}`)
    const found: SoftwareVulkan = {
      name: 'swiftshader',
      manifest: join(folder, 'vk_swiftshader_icd.json'),
      loader: join(folder, 'libvulkan.so.1'),
    }
    if (existsSync(folder)) return found
    try {
      unpack(archive.path, cache, folder)
      return found
    } catch {
      // A read-only installation: the next folder is tried.
    }
  }
  return undefined
}

function swiftShaderArchive(): { path: string; version: string; modules: string } | undefined {
  try {
    const main = createRequire(import.meta.url).resolve('@sparticuz/chromium')
    const root = main.slice(0, main.lastIndexOf(join('@sparticuz', 'chromium')) + join('@sparticuz', 'chromium').length)
    const path = join(root, 'bin', 'swiftshader.tar.br')
    if (!existsSync(path)) return undefined
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { path, version, modules: dirname(dirname(root)) }
  } catch {
    return undefined
  }
}

const neededFiles = new Set(['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'])

/** Into a folder of its own first: two processes may unpack at once, and the rename makes either complete or absent. */
function unpack(archive: string, cache: string, folder: string): void {
  makeFolder(cache)
  const fresh = mkdtempSync(join(cache, 'unpack-'))
  for (const { name, content } of tarEntries(brotliDecompressSync(readFileSync(archive))))
    if (neededFiles.has(name)) writeFileSync(join(fresh, name), content, { mode: 0o755 })
  try {
    renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

/** Plain files of an uncompressed ustar archive: 512-byte headers, name at 0, size in octal at 124, type at 156. */
function* tarEntries(archive: Buffer): Generator<{ name: string; content: Buffer }> {
  let at = 0
  while (at + 512 <= archive.length && archive[at] !== 0) {
    const field = (offset: number, length: number) =>
      archive.toString('latin1', at + offset, at + offset + length).replace(/[\0 ].*$/s, '')
    const size = Number.parseInt(field(124, 12), 8)
    const type = field(156, 1)
    if (type === '' || type === '0')
      yield { name: field(0, 100).replace(/^\.\//, ''), content: archive.subarray(at + 512, at + 512 + size) }
    at += 512 + Math.ceil(size / 512) * 512
  }
}
