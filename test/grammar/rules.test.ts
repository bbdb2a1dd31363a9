/** The rules in `grammar/rules.ts` and the hand-written parser accept the same texts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtinReference } from '../../compiler/1-check/builtins/reference.ts'
import { sources, stages } from '../../compiler/1-check/settings/fields.ts'
import { schedules } from '../../compiler/1-check/settings/schedules.ts'
import { settingNames } from '../../compiler/1-check/settings/train.ts'
import { layOut } from '../../grammar/layout.ts'
import { parse } from '../../grammar/parser.ts'
import { grammarReference } from '../../grammar/reference.ts'
import { tokenize } from '../../grammar/tokens.ts'
import { recognises } from './earley.ts'
import { generated, productions, randomOf, root, spell, tour } from './samples.ts'

const accepted = (text: string) =>
  parse({ path: 't.dlm', text }).faults.every(
    (f) => f.kind === 'comment-like-division' || f.kind === 'too-high' || f.kind === 'second-forward',
  )

/** The tokens as the rules see them; a word may pass for a name unless `strict`, where only names of the samples do. */
function terminals(text: string, strict: boolean): ReadonlySet<string>[] | undefined {
  const source = { path: 't.dlm', text }
  const lexed = tokenize(source)
  const layout = layOut(source, lexed.tokens)
  if (lexed.faults.some((f) => f.kind !== 'comment-like-division') || layout.faults.length > 0) return undefined
  return layout.tokens
    .filter((t) => t.type !== 'end')
    .map((t) => {
      if (t.type === 'name') return new Set(strict && !/^(a|b|c|dim|x)$/.test(t.text) ? [t.text] : [t.text, 'NAME'])
      if (t.type === 'number' || t.type === 'string' || t.type === 'newline') return new Set([t.type.toUpperCase()])
      return new Set([t.type])
    })
}

describe('the rules and the parser agree', () => {
  it('the parser reads what the rules derive', () => {
    const refused: string[] = []
    for (let seed = 0; seed < 1500; seed++) {
      const text = spell(generated(seed, 20 + (seed % 200)), seed)
      if (!accepted(text))
        refused.push(
          `${seed}: ${text}\n${JSON.stringify(parse({ path: '', text }).faults.map(({ span, ...f }) => ({ ...f, at: text.slice(span.start, span.start + 20) })))}`,
        )
    }
    expect(refused.slice(0, 3)).toEqual([])
  })

  it('on mutated texts both say the same', () => {
    const wrong: string[] = []
    let yes = 0
    let no = 0
    for (let seed = 0; seed < 1500; seed++) {
      const random = randomOf(seed + 77)
      const words = [...generated(seed, 15 + (seed % 40))]
      const other = generated(seed + 5000, 30)
      const at = Math.floor(random() * words.length)
      const choice = random()
      const stray = other[Math.floor(random() * other.length)] ?? 'NAME'
      if (choice < 0.35) words.splice(at, 1)
      else if (choice < 0.7) words.splice(at, 1, stray)
      else words.splice(at, 0, stray)
      const text = spell(words, seed)
      const verdict = accepted(text)
      const strict = terminals(text, true)
      const loose = terminals(text, false)
      const must = strict !== undefined && recognises(productions, 'File', strict)
      const may = loose !== undefined && recognises(productions, 'File', loose)
      if ((must && !verdict) || (verdict && !may))
        wrong.push(`${seed}: parser ${verdict}, rules ${must}/${may}: ${text}`)
      verdict ? yes++ : no++
    }
    expect(wrong.slice(0, 3)).toEqual([])
    expect(Math.min(yes, no)).toBeGreaterThan(200)
  })

  it('the programs of the design page parse, by both', () => {
    expect(parse(tour).faults).toEqual([])
    expect(recognises(productions, 'File', terminals(tour.text, false) ?? [])).toBe(true)
  })
})

describe('REFERENCE.md is fresh (else: npm run build && node scripts/reference.mjs)', () => {
  const text = readFileSync(join(root, 'grammar/REFERENCE.md'), 'utf8')
  const part = (name: string) => new RegExp(`<!-- ${name} -->\\n([\\s\\S]*?)\\n<!-- end of ${name} -->`).exec(text)?.[1]
  it('in its grammar', () => expect(part('grammar')).toBe(grammarReference()))
  it('in its settings, sources, stages and schedules', () => {
    const names = [...settingNames, ...sources.keys(), ...stages.keys(), ...schedules.keys()]
    // Stages without arguments stand alone.
    const told = (name: string) => [':', '(', '`'].some((after) => text.includes(`\`${name}${after}`))
    expect(names.filter((name) => !told(name))).toEqual([])
  })
  it('in its builtin functions', () => expect(part('builtins')).toBe(builtinReference()))
})
