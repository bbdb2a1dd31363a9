/** Safetensors: round trips, 16-bit floats, a corpus of hostile files each refused for its own reason, and mutations. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CheckpointError } from '../../runtime/checkpoint-error.ts'
import { randomStream } from '../../runtime/random.ts'
import {
  bytesSource,
  decodeTensor,
  joinChunks,
  parseSafetensors,
  parseSafetensorsHeader,
  readSafetensorsHeader,
  safetensorsChunks,
  type Tensor,
  tensorOf,
} from '../../runtime/safetensors.ts'

const encode = (text: string) => new TextEncoder().encode(text)

/** A file of any header text and as many bytes of data. */
function file(header: string | Uint8Array, dataBytes = 0, claimed?: bigint): Uint8Array {
  const text = typeof header === 'string' ? encode(header) : header
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}
const one = (fields: string, dataBytes = 4) => file(`{"w":{${fields}}}`, dataBytes)
const good = '"dtype":"F32","shape":[1],"data_offsets":[0,4]'

describe('well-formed files', () => {
  test('a file made by hand, key by key', () => {
    const { tensors, metadata } = parseSafetensors('a', file(`{"__metadata__":{"k":"v"},"w":{${good}}}  `, 4))
    expect(metadata.get('k')).toBe('v')
    expect(tensors.get('w')).toEqual({ dtype: 'F32', shape: [1], bytes: new Uint8Array(4) })
  })
  test('scalars, empty tensors, names of Object.prototype, escapes', () => {
    const names = ['__proto__', 'constructor', 'toString', 'a"b\\c\n', 'λ', '']
    const tensors = new Map(names.map((name, i) => [name, tensorOf(Float32Array.of(i), [])]))
    tensors.set('empty', tensorOf(new Float32Array(0), [3, 0, 2]))
    const parsed = parseSafetensors('a', joinChunks(safetensorsChunks(tensors)))
    for (const [name, tensor] of tensors) expect(parsed.tensors.get(name)).toEqual(tensor)
    expect(parsed.tensors.size).toBe(7)
  })
  test('reading the header alone', async () => {
    const bytes = joinChunks(safetensorsChunks(new Map([['w', tensorOf(Float32Array.of(1, 2), [2])]])))
    expect(await readSafetensorsHeader(bytesSource('a', bytes))).toEqual(parseSafetensorsHeader('a', bytes))
  })
  test('16-bit floats', () => {
    const half = decodeTensor('F16', Uint8Array.of(0, 0x3c, 0, 0xc0, 1, 0, 0xff, 0x7b, 0, 0x7c, 0, 0x80))
    expect([...half]).toEqual([1, -2, 2 ** -24, 65504, Infinity, -0])
    expect([...decodeTensor('BF16', Uint8Array.of(0x80, 0x3f, 0x20, 0xc1))]).toEqual([1, -10])
  })
  test('random files survive write, read, write byte for byte', () => {
    const tensor: fc.Arbitrary<Tensor> = fc
      .tuple(
        fc.constantFrom('F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'I16', 'I8', 'U8', 'BOOL'),
        fc.array(fc.nat(4), { maxLength: 3 }),
        fc.integer(),
      )
      .map(([dtype, shape, seed]) => {
        const width = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 }[dtype]
        const stream = randomStream(seed, 'bytes')
        return {
          dtype,
          shape,
          bytes: Uint8Array.from({ length: shape.reduce((a, b) => a * b, width) }, stream.word),
        } as Tensor
      })
    const entries = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), tensor), {
      selector: ([name]) => name,
      maxLength: 6,
    })
    const metadata = fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 })
    fc.assert(
      fc.property(entries, metadata, (tensors, fields) => {
        if (tensors.some(([name]) => name === '__metadata__')) return
        const first = joinChunks(safetensorsChunks(new Map(tensors), new Map(Object.entries(fields))))
        const parsed = parseSafetensors('a', first)
        expect(joinChunks(safetensorsChunks(parsed.tensors, parsed.metadata))).toEqual(first)
      }),
      { numRuns: 1000, seed: 1 },
    )
  })
})

const hostile: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['empty file', new Uint8Array(0), /0 bytes long/],
  ['seven bytes', new Uint8Array(7), /7 bytes long/],
  ['header of 2^64 − 1 bytes', file('{}', 0, 2n ** 64n - 1n), /claims 18446744073709551615/],
  ['header above the limit', file('{}', 0, 16777217n), /claims 16777217/],
  ['header longer than the file', file('{}', 0, 100n), /cut short/],
  ['empty header', file(''), /does not start/],
  ['leading space', file(' {}'), /does not start/],
  ['a list', file('[]'), /does not start/],
  ['byte order mark', file('\ufeff{}'), /does not start/],
  ['not UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x30, 0x7d)), /not UTF-8/],
  ['unterminated object', file('{'), /damaged header/],
  ['unterminated string', file('{"w'), /unterminated/],
  ['escape at the end', file('{"w\\'), /unterminated/],
  ['bad escape', file('{"\\x":{}}'), /malformed string/],
  ['control character in a name', file('{"a\nb":{}}'), /malformed string/],
  ['trailing comma', file(`{"w":{${good}},}`, 4), /damaged header/],
  ['text after the object', file(`{"w":{${good}}}x`, 4), /after the end/],
  ['two objects', file(`{"w":{${good}}}{}`, 4), /after the end/],
  ['deep nesting', file(`{"w":${'['.repeat(100000)}`), /nested too deeply/],
  ['null', file('{"w":null}'), /damaged header/],
  ['key twice', file(`{"w":{${good}},"w":{${good}}}`, 4), /comes twice/],
  ['key twice by escape', file(`{"w":{${good}},"\\u0077":{${good}}}`, 4), /comes twice/],
  ['field twice', one(`${good},"dtype":"F32"`), /comes twice/],
  ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /comes twice/],
  ['metadata of numbers', file('{"__metadata__":{"step":1}}'), /not a string/],
  ['metadata nested', file('{"__metadata__":{"a":{}}}'), /not a string/],
  ['metadata a list', file('{"__metadata__":[]}'), /not an object/],
  ['tensor a number', file('{"w":1}'), /not described/],
  ['unknown field', one(`${good},"extra":0`), /unknown field/],
  ['no dtype', one('"shape":[1],"data_offsets":[0,4]'), /no dtype/],
  ['unknown dtype', one('"dtype":"F33","shape":[1],"data_offsets":[0,4]'), /no dtype/],
  ['dtype of Object.prototype', one('"dtype":"constructor","shape":[1],"data_offsets":[0,4]'), /no dtype/],
  ['no shape', one('"dtype":"F32","data_offsets":[0,4]'), /no shape/],
  ['negative dim', one('"dtype":"F32","shape":[-1],"data_offsets":[0,4]'), /damaged header/],
  ['fractional dim', one('"dtype":"F32","shape":[1.5],"data_offsets":[0,4]'), /damaged header/],
  ['exponent', one('"dtype":"F32","shape":[1e0],"data_offsets":[0,4]'), /damaged header/],
  ['leading zero', one('"dtype":"F32","shape":[01],"data_offsets":[0,4]'), /damaged header/],
  ['dim above 2^53', one('"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]'), /beyond 2\^53/],
  [
    'product above 2^53',
    one('"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]'),
    /larger than 2\^53/,
  ],
  [
    'product that wraps to the right size',
    one('"dtype":"F32","shape":[4294967296,4294967296,1],"data_offsets":[0,0]', 0),
    /larger than 2\^53/,
  ],
  ['thirty-three dims', one(`"dtype":"F32","shape":[${new Array(33).fill(1)}],"data_offsets":[0,4]`), /more than 32/],
  ['shape a string', one('"dtype":"F32","shape":"1","data_offsets":[0,4]'), /no shape/],
  ['no offsets', one('"dtype":"F32","shape":[1]'), /no `data_offsets`/],
  ['three offsets', one('"dtype":"F32","shape":[1],"data_offsets":[0,4,8]'), /no `data_offsets`/],
  ['offsets reversed', one('"dtype":"F32","shape":[1],"data_offsets":[4,0]'), /given -4 bytes/],
  ['fewer bytes than the shape', one('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), /given 4 bytes/],
  ['gap at the start', one('"dtype":"F32","shape":[1],"data_offsets":[4,8]', 8), /gap or overlaps/],
  ['overlap', file(`{"a":{${good}},"b":{${good}}}`, 4), /gap or overlaps/],
  ['gap between', file(`{"a":{${good}},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12), /gap or overlaps/],
  ['data cut short', one(good, 3), /cut short/],
  ['data too long', one(good, 5), /after the last tensor/],
  ['data without tensors', file('{}', 1), /after the last tensor/],
]

describe('hostile files are refused, each for its own reason', () => {
  test.each(hostile)('%s', (_, bytes, reason) => {
    expect(() => parseSafetensors('w.safetensors', bytes)).toThrow(CheckpointError)
    expect(() => parseSafetensors('w.safetensors', bytes)).toThrow(reason)
  })
})

const sample = joinChunks(
  safetensorsChunks(
    new Map([
      ['a.weight', tensorOf(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])],
      ['b', tensorOf(Int32Array.of(1), [])],
      ['c', tensorOf(new Uint8Array(5), [5])],
    ]),
    new Map([['step', '10']]),
  ),
)

test('a file cut at any byte is refused', () => {
  for (let length = 0; length < sample.length; length++) {
    expect(() => parseSafetensors('a', sample.subarray(0, length))).toThrow(CheckpointError)
  }
})

test('mutated files are read or refused, never anything else', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '0',
    '9'.repeat(30),
    '-1',
    'e9',
    '"w"',
    '"shape"',
    '"F32"',
    '\\u0000',
    '\0',
    '__proto__',
  ]
  const random = randomStream(7, 'mutations')
  const runs = Number(process.env['DLM_FUZZ_RUNS'] ?? 20_000)
  for (let run = 0; run < runs; run++) {
    let bytes: Uint8Array = sample.slice()
    for (let edits = random.below(3); edits >= 0; edits--) {
      const at = random.below(bytes.length || 1)
      if (random.below(3) === 0) bytes[at] = random.below(256)
      else {
        const piece = encode(pieces[random.below(pieces.length)]!)
        bytes = joinChunks([bytes.subarray(0, at), piece, bytes.subarray(at + random.below(4))])
      }
      // Half of the time the header's length is made right again, so that mutations get past the first check.
      if (random.below(2) === 0 && bytes.length > 40) {
        new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8 - 33), true)
      }
    }
    try {
      parseSafetensors('a', bytes)
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error
    }
  }
})
