/** `dlmc` as a process: exit codes, what goes to stdout and what to stderr, and that no misuse ends in a stack trace. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../grammar/samples.ts'

const command = process.env['DLMC'] ?? join(root, 'dist/cli/main.js')
let folder = ''

const model = `model M {
  input x: float[batch, 3]
  target t: float[batch, 2]
  output y = x |> Linear(2)
  loss mse(y, t)
}

data D {
  train {
    x = csv("x.csv")
    t = csv("t.csv")
  }
}

train {
  model: M
  data: D
  optimizer: sgd(lr: 0.1)
  batch: 2
  epochs: 2
}

test "count" {
  expect parameters(M) == 8
}

test "rounded" {
  expect 1 / 3 ~= 0.333 within 1e-3
}
`
const digits = model.replace('csv("x.csv")', 'idx("x.idx")').replace('csv("t.csv")', 'idx("t.idx.gz")')

/** An IDX file of floats: magic, sizes, big-endian numbers. */
function idx(rows: number, columns: number): Buffer {
  const bytes = Buffer.alloc(12 + rows * columns * 4)
  bytes.writeUInt32BE(0x00000d02, 0)
  bytes.writeUInt32BE(rows, 4)
  bytes.writeUInt32BE(columns, 8)
  for (let i = 0; i < rows * columns; i++) bytes.writeFloatBE(i % 5, 12 + i * 4)
  return bytes
}

function dlmc(...args: string[]): SpawnSyncReturns<string> {
  const done = spawnSync(process.execPath, [command, ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 100_000,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  for (const text of [done.stdout, done.stderr]) expect(text).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
  return done
}

beforeAll(() => {
  expect(existsSync(command), 'build first: npm run build').toBe(true)
  folder = mkdtempSync(join(tmpdir(), 'dlm-cli-'))
  const put = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content)
  put('package.json', '{}')
  put('m.dlm', model)
  put('digits.dlm', digits)
  put('wrong.dlm', model.replace('Linear(2)', 'Liner(2)'))
  put('untidy.dlm', model.replaceAll('  ', '      '))
  put('failing.dlm', `${model}\ntest "wrong" {\n  expect parameters(M) == 9\n}\n`)
  put(
    'two.dlm',
    model
      .replace('model M', 'model M {\n  input x: float[3]\n  output y = x\n}\n\nmodel N')
      .replace('parameters(M)', 'parameters(N)')
      .replace('model: M', 'model: N'),
  )
  put('x.csv', '1,2,3\n4,5,6\n7,8,9\n1,1,1\n')
  put('t.csv', '1,2\n3,4\n5,6\n1,1\n')
  put('x.idx', idx(4, 3))
  put('t.idx.gz', gzipSync(idx(4, 2)))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a right use', () => {
  it('check says so, and nothing with --quiet', () => {
    expect(dlmc('check', 'm.dlm')).toMatchObject({ status: 0, stdout: '', stderr: 'm.dlm: no errors\n' })
    expect(dlmc('check', 'm.dlm', '--quiet')).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(dlmc('check', 'm.dlm', '--json')).toMatchObject({ status: 0, stdout: '[]\n', stderr: '' })
  })
  it('init, run and inspect', () => {
    expect(dlmc('init', 'm.dlm', '-o', 'w.safetensors', '--seed', '3').status).toBe(0)
    expect(dlmc('init', 'm.dlm', '-o', 'again.safetensors', '--seed', '3').status).toBe(0)
    expect(readFileSync(join(folder, 'w.safetensors')).equals(readFileSync(join(folder, 'again.safetensors')))).toBe(
      true,
    )
    const header = JSON.stringify({ x: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] } })
    const input = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.alloc(24)])
    input.writeBigUInt64LE(BigInt(header.length))
    writeFileSync(join(folder, 'in.safetensors'), input)
    expect(
      dlmc(
        'run',
        'm.dlm',
        '--weights',
        'w.safetensors',
        '--input',
        'in.safetensors',
        '--output',
        'out.safetensors',
        '--device',
        'wasm',
      ).status,
    ).toBe(0)
    expect(existsSync(join(folder, 'out.safetensors'))).toBe(true)
    const inspected = dlmc('inspect', 'm.dlm', '--json')
    expect(inspected.status).toBe(0)
    expect(JSON.parse(inspected.stdout)).toBeTypeOf('object')
  })
  it('train, from CSV and from IDX', () => {
    for (const file of ['m.dlm', 'digits.dlm']) {
      const done = dlmc('train', file, '--device', 'wasm')
      expect([file, done.status, done.stderr]).toEqual([file, 0, done.stderr])
    }
  })
  it('test counts, and shows both sides of what fails', () => {
    expect(dlmc('test', 'm.dlm', '--reference')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('2 passed, 0 failed'),
    })
    const failing = dlmc('test', 'failing.dlm', '--reference')
    expect(failing.status).toBe(1)
    expect(failing.stderr).toContain('left is 8; right is 9')
  })
  it('fmt writes, checks and prints', () => {
    expect(dlmc('fmt', 'untidy.dlm', '--check').status).toBe(1)
    expect(dlmc('fmt', 'untidy.dlm', '--stdout').stdout).toBe(model)
    expect(dlmc('fmt', 'untidy.dlm').status).toBe(0)
    expect(readFileSync(join(folder, 'untidy.dlm'), 'utf8')).toBe(model)
    expect(dlmc('fmt', 'untidy.dlm', '--check').status).toBe(0)
  })
  it.each(['ast', 'graph', 'simplified', 'kernels', 'plan', 'wgsl'])('compile --print %s', (stage) => {
    const done = dlmc('compile', 'm.dlm', '--print', stage, '--verify')
    expect(done).toMatchObject({ status: 0, stderr: '' })
    expect(done.stdout.length).toBeGreaterThan(100)
  })
  it('explain, grammar, help and version', () => {
    expect(dlmc('explain', 'DLM0111')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('a bracket is never closed'),
    })
    expect(dlmc('grammar').stdout).toContain('Pipeline = ')
    expect(dlmc('--help').status).toBe(0)
    expect(dlmc('--version').stdout).toMatch(/^\d+\.\d+\.\d+/)
  })
})

describe('a wrong use', () => {
  it.each([
    [[]],
    [['frobnicate']],
    [['check']],
    [['check', 'm.dlm', '--josn']],
    [['compile', 'm.dlm', '--print', 'soup']],
    [['compile', 'm.dlm']],
    [['compile', 'm.dlm', '-o', 'x', '--train', 'other']],
    [['explain', 'DLM9999']],
    [['explain', '__proto__']],
    [['run', 'm.dlm']],
    [['init', 'm.dlm']],
    [['init', 'm.dlm', '-o', 'x.safetensors', '--seed', 'many']],
    [['inspect', 'm.dlm', '--dims', 'batch']],
    [['inspect', 'm.dlm', '--dims', 'batch=x']],
    [['inspect', 'm.dlm', '--dims', 'nope=3']],
    [['inspect', 'm.dlm', '--dims', '__proto__=3']],
    [['inspect', 'm.dlm', '--model', 'constructor']],
    [['inspect', 'two.dlm', '--model', 'K']],
    [['train', 'm.dlm', 'other']],
    [['train', 'm.dlm', '--set', 'nope=1']],
    [['train', 'm.dlm', '--set', '__proto__=1']],
    [['train', 'm.dlm', '--set', 'lr=x']],
    [['train', 'm.dlm', '--data', 'D']],
  ])('%j ends with 2', (args) => {
    const done = dlmc(...args)
    expect([done.status, done.stderr + done.stdout]).toEqual([2, done.stderr + done.stdout])
    expect((done.stderr + done.stdout).length).toBeGreaterThan(10)
    expect(done.stderr).not.toContain('DLM0999')
  })
})

describe('a wrong program, file or folder', () => {
  const wrong: readonly (readonly [string, string[], (() => void)?])[] = [
    ['a misspelt layer', ['check', 'wrong.dlm']],
    ['a misspelt layer, to train', ['train', 'wrong.dlm']],
    ['no such program', ['train', 'nowhere.dlm']],
    ['a folder for a program', ['inspect', '.']],
    ['no such folder to write to', ['init', 'm.dlm', '-o', 'no/where/w.safetensors']],
    ['a folder to write to', ['init', 'm.dlm', '-o', '.']],
    ['a file for a run directory', ['train', 'm.dlm', '--out', 'm.dlm', '--device', 'wasm']],
    [
      'no such weights',
      ['run', 'm.dlm', '--weights', 'none', '--input', 'in.safetensors', '--output', 'o', '--device', 'wasm'],
    ],
    [
      'weights cut short',
      ['run', 'm.dlm', '--weights', 'short', '--input', 'in.safetensors', '--output', 'o', '--device', 'wasm'],
      () => writeFileSync(join(folder, 'short'), readFileSync(join(folder, 'w.safetensors')).subarray(0, 100)),
    ],
    [
      'weights of noise',
      ['run', 'm.dlm', '--weights', 'noise', '--input', 'in.safetensors', '--output', 'o', '--device', 'wasm'],
      () => writeFileSync(join(folder, 'noise'), Buffer.alloc(1000, 0xa5)),
    ],
    [
      'a header that names a prototype',
      ['run', 'm.dlm', '--weights', 'proto', '--input', 'in.safetensors', '--output', 'o', '--device', 'wasm'],
      () => {
        const header = '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.alloc(4)])
        bytes.writeBigUInt64LE(BigInt(header.length))
        writeFileSync(join(folder, 'proto'), bytes)
      },
    ],
    [
      'inputs for weights',
      ['run', 'm.dlm', '--weights', 'in.safetensors', '--input', 'in.safetensors', '--output', 'o', '--device', 'wasm'],
    ],
    [
      'weights for inputs',
      ['run', 'm.dlm', '--weights', 'w.safetensors', '--input', 'w.safetensors', '--output', 'o', '--device', 'wasm'],
    ],
    ['a folder of data that is not there', ['train', 'm.dlm', '--data', 'D=/no/where', '--device', 'wasm']],
    [
      'an IDX file cut short',
      ['train', 'digits.dlm', '--data', 'D=cut', '--device', 'wasm'],
      () => {
        spawnSync('mkdir', [join(folder, 'cut')])
        writeFileSync(join(folder, 'cut/x.idx'), idx(4, 3).subarray(0, 30))
        writeFileSync(join(folder, 'cut/t.idx.gz'), gzipSync(idx(4, 2)))
      },
    ],
    [
      'a gzip file cut short',
      ['train', 'digits.dlm', '--data', 'D=cutz', '--device', 'wasm'],
      () => {
        spawnSync('mkdir', [join(folder, 'cutz')])
        writeFileSync(join(folder, 'cutz/x.idx'), idx(4, 3))
        writeFileSync(join(folder, 'cutz/t.idx.gz'), gzipSync(idx(4, 2)).subarray(0, 20))
      },
    ],
    [
      'an IDX file with another magic',
      ['train', 'digits.dlm', '--data', 'D=magic', '--device', 'wasm'],
      () => {
        spawnSync('mkdir', [join(folder, 'magic')])
        writeFileSync(join(folder, 'magic/x.idx'), Buffer.from('not an idx file at all'))
        writeFileSync(join(folder, 'magic/t.idx.gz'), gzipSync(idx(4, 2)))
      },
    ],
    [
      'fields of different lengths',
      ['train', 'digits.dlm', '--data', 'D=uneven', '--device', 'wasm'],
      () => {
        spawnSync('mkdir', [join(folder, 'uneven')])
        writeFileSync(join(folder, 'uneven/x.idx'), idx(4, 3))
        writeFileSync(join(folder, 'uneven/t.idx.gz'), gzipSync(idx(5, 2)))
      },
    ],
    [
      'a field of another width',
      ['train', 'digits.dlm', '--data', 'D=wide', '--device', 'wasm'],
      () => {
        spawnSync('mkdir', [join(folder, 'wide')])
        writeFileSync(join(folder, 'wide/x.idx'), idx(4, 4))
        writeFileSync(join(folder, 'wide/t.idx.gz'), gzipSync(idx(4, 2)))
      },
    ],
    [
      'text in a CSV file',
      ['train', 'm.dlm', '--data', 'D=text', '--device', 'wasm'],
      () => {
        spawnSync('mkdir', [join(folder, 'text')])
        writeFileSync(join(folder, 'text/x.csv'), '1,2,3\n4,five,6\n')
        writeFileSync(join(folder, 'text/t.csv'), '1,2\n3,4\n')
      },
    ],
    ['no run to resume', ['train', 'm.dlm', '--resume', 'none', '--device', 'wasm']],
    [
      'a run directory without checkpoints',
      ['train', 'm.dlm', '--resume', 'empty', '--device', 'wasm'],
      () => {
        spawnSync('mkdir', [join(folder, 'empty')])
        writeFileSync(join(folder, 'empty/config.json'), '{"broken')
      },
    ],
    ['a link that leads nowhere', ['check', 'link.dlm'], () => symlinkSync('nowhere', join(folder, 'link.dlm'))],
    [
      'a file that may not be formatted',
      ['fmt', 'wrong-syntax.dlm'],
      () => writeFileSync(join(folder, 'wrong-syntax.dlm'), 'model M {'),
    ],
  ]
  it.each(wrong.map(([what, args, prepare]) => ({ what, args, prepare })))(
    '$what ends with 1 and a diagnostic',
    ({ args, prepare }) => {
      prepare?.()
      const done = dlmc(...args)
      expect([done.status, done.stderr]).toEqual([1, done.stderr])
      expect(done.stderr).toMatch(/error\[DLM\d{4}\]/)
      expect(done.stderr).not.toContain('DLM0999')
      expect(done.stdout).toBe('')
    },
  )
  it('--json puts what is wrong on stdout', () => {
    const done = dlmc('check', 'wrong.dlm', '--json')
    expect(done).toMatchObject({ status: 1, stderr: '' })
    expect(JSON.parse(done.stdout)[0]).toMatchObject({
      code: 'DLM0201',
      primary: { path: 'wrong.dlm', start: { line: 4 } },
      help: { text: 'did you mean `Linear`?' },
    })
  })
  // Node's own recursive `mkdir` never comes back from such a place.
  it.runIf(process.platform === 'linux').each([
    ['compile', 'm.dlm', '-o', '/proc/nowhere'],
    ['compile', 'm.dlm', '-o', '/proc/nowhere/below'],
    ['train', 'm.dlm', '--out', '/proc/nowhere', '--device', 'reference'],
  ])('a folder where none can be made: %s %s %s %s', (...words) => {
    const done = dlmc(...words)
    expect(done.status).toBe(1)
    expect(done.stderr).toMatch(/\/proc\/nowhere/)
    expect(done.stderr).toMatch(/^error\[DLM\d+\]/m)
    expect(done.stderr).not.toContain('DLM0999')
  })
  it('a device that is not there ends with 1 or 3', () => {
    const done = dlmc('train', 'm.dlm', '--device', 'nonesuch')
    expect([1, 2, 3]).toContain(done.status)
    expect(done.stderr).toMatch(/nonesuch/)
    expect(done.stderr).not.toContain('DLM0999')
  })
})
