/** `dlmc train` on text and `dlmc generate` from what it saved, as processes: a language model, a pair model, and each misuse. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseSafetensors } from '../../runtime/safetensors.ts'
import { root } from '../grammar/samples.ts'

const command = process.env['DLMC'] ?? join(root, 'dist/cli/main.js')
let folder = ''
const dlmc = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  return { status, stdout, stderr }
}

// Each letter has one that follows it: all that a bigram model can know.
const letters = `const vocabulary = 9
model Bigram {
  input  text: int[batch, T]
  target next: int[batch, T]
  output logits = text |> Embedding(vocabulary, vocabulary)
  loss cross_entropy(logits, next)
}
data Letters {
  train {
    text = text("letters.txt") |> tokenize(chars(vocabulary)) |> window(8)
    next = text("letters.txt") |> tokenize(chars(vocabulary)) |> window(8, ahead: 1)
  }
}
train { model: Bigram; data: Letters; optimizer: adam(lr: 0.3); batch: 4; steps: 60; seed: 1 }
`
// What is said depends on which letters the word has and on what was said last.
const pairs = `model Pairs {
  input  word: int[batch, S]
  input  mask: float[batch, S]
  input  begun: int[batch, T]
  target said: int[batch, T]
  let letters = sum(Embedding(16, 16)(word) * expand(mask, -1), axis: 1)
  output logits = (Embedding(12, 16)(begun) + expand(letters, 1)) |> Linear(32) |> relu |> Linear(12)
  loss cross_entropy(logits, said, ignore: 0)
}
data Spoken {
  words = csv("pairs.tsv", columns: "word") |> lowercase |> tokenize(chars(16)) |> pad([4, 2])
  sounds = csv("pairs.tsv", columns: "sounds") |> tokenize(words(12))
  train {
    word = words
    mask = words |> mask
    begun = sounds |> begin |> pad([4, 5])
    said = sounds |> end |> pad([4, 5])
  }
}
train { model: Pairs; data: Spoken; optimizer: adam(lr: 0.01); batch: 1; steps: 400; seed: 2 }
`
beforeAll(() => {
  expect(existsSync(command), 'build first: npm run build').toBe(true)
  folder = mkdtempSync(join(tmpdir(), 'dlm-generate-'))
  writeFileSync(join(folder, 'package.json'), '{}')
  writeFileSync(join(folder, 'letters.dlm'), letters)
  writeFileSync(join(folder, 'letters.txt'), 'abcd.'.repeat(40))
  writeFileSync(join(folder, 'pairs.dlm'), pairs)
  writeFileSync(join(folder, 'pairs.tsv'), 'word\tsounds\ncat\tK AE T\nDog\tD AO G\nkite\tK AY T\nat\tAE T\n')
  for (const name of ['letters', 'pairs']) {
    const { status, stderr } = dlmc('train', `${name}.dlm`, '--device', 'wasm', '--quiet')
    expect([status, stderr]).toEqual([0, ''])
  }
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bigram = [
  'generate',
  'letters.dlm',
  '--weights',
  'runs/bigram-1/model.safetensors',
  '--device',
  'wasm',
  '--quiet',
]
const spoken = ['generate', 'pairs.dlm', '--weights', 'runs/pairs-1/model.safetensors', '--device', 'wasm', '--quiet']

describe('a language model', () => {
  it('goes on with the prompt, past its context too', () => {
    expect(dlmc(...bigram, '--prompt', 'bcd', '--length', '17', '--temperature', '0').stdout).toBe(
      'bcd.abcd.abcd.abcd.a\n',
    )
    expect(dlmc(...bigram, '--prompt', 'bcd', '--length', '7', '--beams', '3').stdout).toBe('bcd.abcd.a\n')
  })
  it('stops where it is told', () =>
    expect(dlmc(...bigram, '--prompt', 'a', '--stop', '.', '--temperature', '0').stdout).toBe('abcd\n'))
  it('draws the same for the same seed', () => {
    const draw = (seed: string) =>
      dlmc(...bigram, '--prompt', 'a', '--length', '60', '--temperature', '4', '--seed', seed).stdout
    expect(draw('1')).toBe(draw('1'))
    expect(draw('1')).not.toBe(draw('2'))
  })
  it('has its vocabulary beside and in the weights', () => {
    const [vocabulary] = JSON.parse(readFileSync(join(folder, 'runs/bigram-1/vocabularies.json'), 'utf8'))
    expect(vocabulary).toEqual({ fields: ['text', 'next'], kind: 'chars', size: 9, tokens: ['.', 'a', 'b', 'c', 'd'] })
  })
})

describe('a model of pairs', () => {
  it('answers the prompt: made to tokens, padded and masked as in training, ended by <eos>', () => {
    for (const [word, sounds] of [
      ['CAT', 'K AE T'],
      ['dog', 'D AO G'],
      ['kite', 'K AY T'],
      ['at', 'AE T'],
    ] as const) {
      expect(dlmc(...spoken, '--prompt', word, '--temperature', '0').stdout).toBe(`${sounds}\n`)
    }
    const found = JSON.parse(dlmc(...spoken, '--prompt', 'cat', '--beams', '2', '--json').stdout)
    expect(found[0].text).toBe('K AE T')
    expect(found[0].score).toBeGreaterThanOrEqual(found[1].score)
  })
})

describe('dlmc evaluate', () => {
  const figures = (file: string, run: string, ...more: string[]) => {
    const { status, stdout, stderr } = dlmc(
      ...[
        'evaluate',
        file,
        '--weights',
        `runs/${run}/model.safetensors`,
        '--part',
        'train',
        '--device',
        'wasm',
        '--json',
      ],
      ...more,
    )
    expect(status, stderr).toBe(0)
    return JSON.parse(stdout) as Record<string, number>
  }
  it('scores what a model of pairs says of each source', () => {
    expect(figures('pairs.dlm', 'pairs-1')).toMatchObject({
      examples: 4,
      sources: 4,
      'token error rate': 0,
      'sequence error rate': 0,
    })
  })
  it('counts edits against the nearest of several right answers', () => {
    // Of kite one sound of three is another; cat has two answers, one of which is said.
    writeFileSync(join(folder, 'judged.tsv'), 'word\tsounds\ncat\tD D D D\ncat\tK AE T\ndog\tD AO G\nkite\tK AE T\n')
    const { sources, examples, ...rates } = figures(
      'pairs.dlm',
      'pairs-1',
      ...['--data', 'Spoken.train.word=judged.tsv'],
      ...['--data', 'Spoken.train.mask=judged.tsv'],
      ...['--data', 'Spoken.train.begun=judged.tsv'],
      ...['--data', 'Spoken.train.said=judged.tsv'],
    )
    expect([sources, examples]).toEqual([3, 4])
    expect(rates['token error rate']).toBeCloseTo(1 / 9, 6)
    expect(rates['sequence error rate']).toBeCloseTo(1 / 3, 6)
  })
  it('is told by the weights what made them', () => {
    const { tensors, metadata } = parseSafetensors('w', readFileSync(join(folder, 'runs/pairs-1/model.safetensors')))
    expect(tensors.size).toBeGreaterThan(0)
    expect(Object.fromEntries(metadata)).toMatchObject({ model: 'Pairs', source: 'pairs.dlm', source_text: pairs })
    expect(metadata.get('compiler')).toMatch(/^dlm \d/)
  })
  it('tells the loss of a language model', () => {
    const { loss, ...others } = figures('letters.dlm', 'bigram-1')
    expect(loss).toBeLessThan(0.01)
    expect(Object.keys(others)).toEqual(['examples'])
  })
})

describe('misuse is said in one line', () => {
  const cases: readonly (readonly [string, string[], RegExp, number])[] = [
    ['no prompt', [...bigram], /give it a --prompt/, 2],
    ['no weights', ['generate', 'letters.dlm'], /--weights/, 2],
    ['a length of 0', [...bigram, '--prompt', 'a', '--length', '0'], /--length takes a whole number of at least 1/, 2],
    ['a top-p of 2', [...bigram, '--prompt', 'a', '--top-p', '2'], /--top-p takes a number from 0 to 1/, 2],
    ['a stop of several tokens', [...bigram, '--prompt', 'a', '--stop', 'ab'], /--stop takes one token/, 2],
    ['too long a word', [...spoken, '--prompt', 'kitekite'], /8 tokens, and `pad\(4\)` takes at most 4/, 1],
    [
      'the weights of another model',
      ['generate', 'letters.dlm', '--weights', 'runs/pairs-1/model.safetensors', '--prompt', 'a', '--quiet'],
      /no vocabulary for the input "text"/,
      2,
    ],
  ]
  for (const [name, words, reason, code] of cases)
    it(name, () => {
      const { status, stderr } = dlmc(...words)
      expect(stderr).toMatch(reason)
      expect(stderr).not.toMatch(/\n\s+at /)
      expect(status).toBe(code)
    })
})
