/**
 * Vitest's global set-up: says, before the first test and after the last, which adapter runs the GPU tests. The adapter
 * is opened in a child process and must add two numbers there, so that a broken driver shows here and not in a test.
 */
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SoftwareVulkan } from '../../runtime/node/vulkan.ts'
import { chosenDriver } from './adapter.ts'

export default function announce(): () => void {
  const driver = chosenDriver()
  const probe = spawnSync(process.execPath, [fileURLToPath(new URL('./probe.mjs', import.meta.url))], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, ...(driver.name === 'gpu' ? {} : environmentOf(driver)) },
  })
  if (probe.status !== 0)
    throw new Error(`${driver.name} does not run a compute shader:\n${probe.stdout}${probe.stderr}`)
  const line = `GPU tests run on ${driver.name}: ${probe.stdout.trim()}`
  console.log(line)
  return () => console.log(line)
}

const environmentOf = ({ manifest, loader }: SoftwareVulkan): Record<string, string> => ({
  VK_ICD_FILENAMES: manifest,
  VK_DRIVER_FILES: manifest,
  ...(loader !== undefined && { LD_LIBRARY_PATH: dirname(loader) }),
})
