// Standard library in .dlm → compiler/std.generated.ts, so that the compiler needs no file system. `--check` only compares.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)
const target = new URL('compiler/std.generated.ts', root)

const names = readdirSync(new URL('std/', root)).filter((name) => name.endsWith('.dlm')).sort()
const quoted = (text) => `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``
const entries = names.map((name) => {
  const text = readFileSync(new URL(`std/${name}`, root), 'utf8').replace(/\r\n/g, '\n')
  return `  [\n    'std/${name}',\n    ${quoted(text)},\n  ],\n`
})
const generated = `/** The standard library, path by path. Written by scripts/embed-std.mjs from std/: edit there. */
export const stdSources: ReadonlyMap<string, string> = new Map([
${entries.join('')}])
`

let current
try {
  current = readFileSync(target, 'utf8')
} catch {
  current = undefined
}
if (process.argv.includes('--check')) {
  if (current !== generated) {
    console.error('compiler/std.generated.ts is not what std/ gives: run `node scripts/embed-std.mjs`')
    process.exit(1)
  }
} else if (current !== generated) {
  writeFileSync(target, generated)
  console.log(`${fileURLToPath(target)}: ${names.length} files`)
}
