import { readFileSync } from 'node:fs'

/** The version in the package's own description, found from here upwards (the sources and `dist/` lie at different depths). */
function find(from: URL): string {
  for (const up of ['../package.json', '../../package.json'])
    try {
      const description = JSON.parse(readFileSync(new URL(up, from), 'utf8')) as { name?: string; version?: string }
      if (description.name === 'dlm' && description.version) return description.version
    } catch {}
  return 'unknown'
}

export const version = find(new URL(import.meta.url))
