/**
 * The versions of Node that are promised: the one that runs the tests, and others as npm's packages of Node's binaries. They
 * are fetched once, into the tests' cache, when a test first asks; nothing of them is installed beside the project.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './app.ts'

export const nodeVersions = ['20.20.2', '22.23.3', '24.21.0'] as const

const majorOf = (version: string): string => version.split('.')[0]!

/** The binary of a version, or of the running one where that has its major number. */
export function nodeBinary(version: (typeof nodeVersions)[number]): string {
  if (majorOf(process.versions.node) === majorOf(version)) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const folder = join(root, 'node_modules', '.cache', 'dlm', `node-${version}`)
  const binary = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(binary)) return binary
  mkdirSync(folder, { recursive: true })
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder]
  execFileSync(npm, ['install', ...options, `${name}@${version}`], { stdio: 'pipe', timeout: 110_000 })
  return binary
}
