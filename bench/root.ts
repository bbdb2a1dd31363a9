/** The folder of the project, from wherever the built files lie. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = nearest(dirname(fileURLToPath(import.meta.url)))

function nearest(folder: string): string {
  if (existsSync(join(folder, 'bench', 'workloads'))) return folder
  const above = dirname(folder)
  return above === folder ? process.cwd() : nearest(above)
}
