// Standard library in .dlm → compiler/std.generated.ts, so that the compiler needs no file system, and its reference in docs/.
// `--check` only compares.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)

const names = readdirSync(new URL('std/', root))
  .filter((name) => name.endsWith('.dlm'))
  .sort()
const quoted = (text) => `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``
const entries = names.map((name) => {
  const text = readFileSync(new URL(`std/${name}`, root), 'utf8').replace(/\r\n/g, '\n')
  return `  [\n    'std/${name}',\n    ${quoted(text)},\n  ],\n`
})
const generated = `/** The standard library, path by path. Written by scripts/embed-std.mjs from std/: edit there. */
export const stdSources: ReadonlyMap<string, string> = new Map([
${entries.join('')}])
`

// The reference: each function and module with its documentation, in the order of the files.
const titles = new Map([
  ['shape', 'Shapes'],
  ['linear', 'Dense layers'],
  ['metrics', 'Metrics'],
  ['dropout', 'Dropout'],
  ['embedding', 'Embeddings'],
])
const title = (name) => titles.get(name) ?? name[0].toUpperCase() + name.slice(1)
const declaration = /((?:^\/\/\/.*\n)+)^(fn|module) (.*) \{\n((?:.*\n)*?)^\}/gm
const sections = names.map((name) => {
  const text = readFileSync(new URL(`std/${name}`, root), 'utf8').replace(/\r\n/g, '\n')
  const entries = [...text.matchAll(declaration)].map(([, documentation, kind, head, body]) => {
    const forward = kind === 'module' ? /^ {2}(forward\(.*) \{$/m.exec(body)?.[1] : undefined
    const signature = `${kind} ${head}${forward ? `\n  ${forward}` : ''}`
    return `### ${/^\w+/.exec(head)[0]}\n\n\`\`\`dlm\n${signature}\n\`\`\`\n\n${documentation.replace(/^\/\/\/ ?/gm, '')}`
  })
  return `## ${title(name.slice(0, -'.dlm'.length))}\n\nIn \`std/${name}\`.\n\n${entries.join('\n')}`
})
const reference = `# The standard library

Functions (\`fn\`) are called or stand in pipelines; modules make layers and optimizers. All of it is written in .dlm over
the builtin functions of [the language](../grammar/REFERENCE.md), and can be read in \`std/\`. Every entry is tested against
PyTorch in float64, forward and gradient, and on the device against the reference.

<!-- Written by scripts/embed-std.mjs from the documentation comments in std/. -->

${sections.join('\n')}`

const outputs = [
  ['compiler/std.generated.ts', generated],
  ['docs/standard-library.md', reference],
]
for (const [path, text] of outputs) {
  const target = new URL(path, root)
  const current = existsSync(target) ? readFileSync(target, 'utf8') : undefined
  if (current === text) continue
  if (process.argv.includes('--check')) {
    console.error(`${path} is not what std/ gives: run \`node scripts/embed-std.mjs\``)
    process.exitCode = 1
  } else {
    writeFileSync(target, text)
    console.log(fileURLToPath(target))
  }
}
