/**
 * How long compiling takes: `dlmc check` and `dlmc compile` of each model of the repository as whole processes, a warm check of a
 * file of 500 lines as a language server does it, and a stack of 48 layers beside one of 12, up to the text of its kernels. Best of
 * a few, in milliseconds; `npm run build` first.
 *
 *   npx tsc -p bench/tsconfig.json && node bench/dist/bench/compile-time.js [--rounds 3] [--models gpt] [--skip-compile]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { check } from '../compiler/1-check/index.ts'
import { lower } from '../compiler/2-lower/lower.ts'
import { differentiate } from '../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../compiler/4-simplify/simplify.ts'
import { fuseSegments } from '../compiler/5-fuse/segments.ts'
import { root } from './root.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    models: { type: 'string', default: '' },
    'skip-compile': { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
/** What each is held to on a quiet machine, ms. */
const limits = { check: 300, compile: 1500, warm: 20 }
const beside = (ms: number, limit: number): string => `${ms.toFixed(0).padStart(7)}${ms > limit ? ' !' : '  '}`
const main = join(root, 'dist', 'cli', 'main.js')
const output = mkdtempSync(join(tmpdir(), 'dlm-compile-time-'))

const best = (measure: () => number): number => Math.min(...Array.from({ length: rounds }, measure))

function processTime(args: readonly string[]): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`dlmc ${args.join(' ')}: ${stderr}`)
  return performance.now() - start
}

const models = readdirSync(join(root, 'models'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.dlm') && path.includes(options.models))
  .map((path) => join('models', path))
  .sort()
console.log(
  `as whole processes, ms (limits ${limits.check} and ${limits.compile}; ! is over)\n${''.padEnd(40)}   check  compile`,
)
for (const model of models) {
  const checked = best(() => processTime(['check', '--quiet', model]))
  const compiled = options['skip-compile']
    ? Number.NaN
    : best(() => processTime(['compile', '--quiet', model, '-o', output]))
  console.log(model.padEnd(40), beside(checked, limits.check), beside(compiled, limits.compile))
}
rmSync(output, { recursive: true })

/** A file of so many lines, as a person's grows: models of a few layers, their data left out. */
function longFile(lines: number): string {
  const model = (at: number) => `/// Model ${at}.
model Net${at}(width: int = 64, depth: int = 2) {
  input  x: float[batch, 32]
  target y: int[batch]

  let a = x |> first: Linear(width) |> LayerNorm() |> gelu
  let b = a |> second: Linear(width) |> relu
  layer rest = Chain${at}(width) * depth
  let c = a + rest(b)
  output logits = c |> dropout(0.1) |> head: Linear(10)

  loss cross_entropy(logits, y)
  metric accuracy = mean(float(argmax(logits, axis: -1) == y))
}

module Chain${at}(width: int) {
  layer up = Linear(2 * width)
  layer down = Linear(width)
  forward(x: float[B, width]) -> float[B, width] {
    return x + (x |> up |> gelu |> down)
  }
}

`
  let text = ''
  for (let at = 1; text.split('\n').length < lines; at++) text += model(at)
  return text
}

const text = longFile(500)
const times: number[] = []
// An editor checks with every pause in the typing: what a warm check takes is told when V8 has settled.
for (let i = 0; i < 200; i++) {
  const start = performance.now()
  const { diagnostics } = check({ path: 'long.dlm', text: `${text}// ${i}\n` })
  times.push(performance.now() - start)
  if (diagnostics.length > 0) throw new Error(diagnostics[0]!.message)
}
const warm = times.slice(100).sort((a, b) => a - b)
console.log(
  `warm check of ${text.split('\n').length} lines: median ${warm[50]!.toFixed(1)}, least ${warm[0]!.toFixed(1)} ms (limit ${limits.warm}); cold ${times[0]!.toFixed(0)}`,
)

/** All stages before emission. */
function front(layers: number): number {
  const start = performance.now()
  const program = check({
    path: 'stack.dlm',
    text: `model M {
  input x: int[batch, T]
  target y: int[batch, T]
  layer encoder = Encoder(${layers}, 64, 4, 128, 0.1)
  output logits = x |> Embedding(65, 64) |> encoder |> Linear(65)
  loss cross_entropy(logits, y)
}
train { model: M; optimizer: adam(lr: 1e-3); batch: 8; steps: 9 }`,
  })
  const entries = ['infer', 'step'] as const
  const lowered = lower(program, { model: 'M', train: program.trains[0]!, entries, differentiate, simplify })
  for (const { phases } of lowered.entries)
    for (const { graph } of phases) fuseSegments(simplify(graph), { maxSlots: 8, recompute: 2, sizes: new Map() })
  return performance.now() - start
}
for (let i = 0; i < 3; i++) front(12)
const [twelve, fortyEight] = [best(() => front(12)), best(() => front(48))]
console.log(
  `up to emission: 12 layers ${twelve.toFixed(0)} ms, 48 layers ${fortyEight.toFixed(0)}: ${(fortyEight / twelve).toFixed(2)} times`,
)
