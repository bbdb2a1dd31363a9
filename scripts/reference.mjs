// Writes the generated parts of grammar/REFERENCE.md from the built compiler: `npm run build && node scripts/reference.mjs`.
import { readFileSync, writeFileSync } from 'node:fs'
import { builtinReference } from '../dist/compiler/1-check/builtins/reference.js'
import { grammarReference } from '../dist/grammar/reference.js'

const path = new URL('../grammar/REFERENCE.md', import.meta.url)
const parts = { grammar: grammarReference(), builtins: builtinReference() }
let text = readFileSync(path, 'utf8')
for (const [name, part] of Object.entries(parts)) {
  text = text.replace(
    new RegExp(`<!-- ${name} -->\\n[\\s\\S]*?<!-- end of ${name} -->`),
    () => `<!-- ${name} -->\n${part}\n<!-- end of ${name} -->`,
  )
}
writeFileSync(path, text)
