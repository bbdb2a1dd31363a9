/** No text of any kind makes the parser, the wording, the renderer or the formatter throw, and none takes long to read. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { render, toJson } from '../../compiler/diagnostics/render.ts'
import { syntaxDiagnostics } from '../../compiler/diagnostics/syntax.ts'
import { limits } from '../../grammar/fault.ts'
import { format } from '../../grammar/format.ts'
import { parse } from '../../grammar/parser.ts'
import { tokenize } from '../../grammar/tokens.ts'
import { generated, programs, randomOf, spell, tour } from './samples.ts'

/** Parses, words and renders; what is said about every text must hold together. */
function survives(text: string): void {
  const { faults } = parse({ path: 'f.dlm', text })
  expect(faults.length).toBeLessThanOrEqual(limits.faults)
  for (const { span } of faults)
    if (!(span.start >= 0 && span.start <= span.end && span.end <= text.length))
      throw new Error(`span ${span.start}..${span.end} of ${text.length}`)
  for (const d of syntaxDiagnostics(faults)) {
    const shown = render(d)
    if (/[\u0000-\u0009\u000b-\u001f\u202e]/.test(shown)) throw new Error(`unprintable: ${JSON.stringify(shown)}`)
    JSON.stringify(toJson(d))
  }
}

const corpus = [tour, ...programs].map((p) => p.text)
const hostile = [
  '__proto__',
  'constructor',
  '*/',
  '`',
  '\0',
  '\u202e',
  '\ud800',
  '///',
  '/*',
  '"',
  "'",
  '${x}',
  '</script>',
  '\r',
  '\u2028',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  '|>',
  '..',
  '...',
  ':',
  '=>',
  '->',
  ' ',
  '\n',
  'if',
  'then',
  'else',
  'chain',
  'scan',
  'along',
  'carry',
  'loss',
  '§',
  '1e',
  '0x',
  '.',
]

describe('no text throws', () => {
  it('arbitrary strings', () =>
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), survives), { seed: 1, numRuns: 4000 }))
  it('arbitrary bytes', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => survives(new TextDecoder('latin1').decode(bytes))),
      { seed: 2, numRuns: 3000 },
    ))
  it('tokens in any order', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            ...hostile,
            'model',
            'M',
            'let',
            'x',
            '=',
            '1',
            ',',
            'module',
            'forward',
            'train',
            'data',
            'test',
            '"t"',
          ),
          { maxLength: 60 },
        ),
        (words) => survives(words.join(' ')),
      ),
      { seed: 3, numRuns: 6000 },
    ))
  it('programs with bytes changed', () => {
    for (let seed = 0; seed < 3000; seed++) {
      const random = randomOf(seed)
      let text = corpus[seed % corpus.length] as string
      const start = Math.floor(random() * Math.max(1, text.length - 1500))
      text = text.slice(start, start + 1500)
      for (let i = 0; i <= random() * 4; i++) {
        const at = Math.floor(random() * text.length)
        const kind = random()
        const insert =
          kind < 0.4
            ? ''
            : kind < 0.7
              ? String.fromCharCode(Math.floor(random() * 256))
              : (hostile[Math.floor(random() * hostile.length)] as string)
        text = text.slice(0, at) + insert + text.slice(at + Math.floor(random() * 4))
      }
      survives(text)
    }
  })
  it('programs with tokens dropped, doubled and swapped', () => {
    for (let seed = 0; seed < 3000; seed++) {
      const random = randomOf(seed + 9)
      const text = corpus[seed % corpus.length] as string
      const words = tokenize({ path: '', text }).tokens.map((t) => t.text)
      const start = Math.floor(random() * Math.max(1, words.length - 300))
      const part = words.slice(start, start + 300)
      for (let i = 0; i <= random() * 3; i++) {
        const at = Math.floor(random() * part.length)
        const kind = random()
        if (kind < 0.4) part.splice(at, 1)
        else if (kind < 0.6) part.splice(at, 0, part[at] as string)
        else part.splice(at, 1, part[Math.floor(random() * part.length)] as string)
      }
      survives(part.join(' '))
    }
  })
  it('a mebibyte of noise', () => {
    const random = randomOf(4)
    const noise = (character: () => string) => Array.from({ length: 1 << 20 }, character).join('')
    survives(noise(() => String.fromCharCode(Math.floor(random() * 65536))))
    survives(noise(() => String.fromCharCode(32 + Math.floor(random() * 95))))
    survives(noise(() => hostile[Math.floor(random() * hostile.length)] as string).slice(0, 1 << 20))
    survives('a '.repeat(1 << 19))
    survives(`const a = "${'\\'.repeat(1 << 20)}`)
    survives(`const a = ${'1'.repeat(1 << 20)}`)
    survives('1.'.repeat(1 << 19))
  })
})

describe('one slip gives one fault', () => {
  /** Dropping one token of a well-formed program: how many faults are said, on the whole. */
  it('mostly, when a token is dropped', () => {
    const tokens = tokenize(tour).tokens.filter((t) => t.type !== 'newline' && t.type !== 'end')
    const counts = tokens.map(
      (t) => parse({ path: '', text: tour.text.slice(0, t.start) + tour.text.slice(t.end) }).faults.length,
    )
    const share = (n: number) => counts.filter((c) => c <= n).length / counts.length
    expect(share(1)).toBeGreaterThan(0.93)
    expect(share(2)).toBeGreaterThan(0.98)
    expect(Math.max(...counts)).toBeLessThan(8)
  })
})

describe('formatting', () => {
  const code = (text: string) =>
    tokenize({ path: '', text })
      .tokens.filter((t) => t.type !== 'newline' && t.type !== ';')
      .map((t) => t.text)
  const comments = (text: string) => tokenize({ path: '', text }).comments.map((c) => c.text)
  function formats(text: string): void {
    const once = format({ path: '', text })
    expect(format({ path: '', text: once })).toBe(once)
    expect(code(once)).toEqual(code(text))
    expect(comments(once)).toEqual(comments(text))
    const before = parse({ path: '', text }).faults.length
    if (before === 0) expect(parse({ path: '', text: once }).faults).toEqual([])
  }
  it('keeps every program of the repository, twice over', () => corpus.forEach(formats))
  it('keeps generated programs with comments anywhere', () => {
    for (let seed = 0; seed < 800; seed++) {
      const random = randomOf(seed)
      const text = spell(generated(seed, 20 + (seed % 150)), seed)
        .split('\n')
        .map(
          (line) =>
            `${' '.repeat(Math.floor(random() * 6))}${line}${random() < 0.3 ? ` // note ${seed} of many` : ''}${random() < 0.2 ? '\n  // alone on its line' : ''}${random() < 0.2 ? '\n\n' : ''}`,
        )
        .join('\n')
      formats(text)
    }
  })
  it('keeps programs whose blanks were shaken', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomOf(seed)
      formats(
        tour.text
          .replace(/(?<=\S) +(?=\S)/g, () => ' '.repeat(1 + Math.floor(random() * 4)))
          .replace(/^ */gm, () => ' '.repeat(Math.floor(random() * 9))),
      )
    }
  })
  it('is the layout of the standard library and the models as they stand', () => {
    for (const source of programs.filter((p) => !p.path.startsWith('test/golden/')))
      expect(format(source)).toBe(source.text)
  })
})
