/** The tuner keeps what is faster and right, never what is wrong; what it kept is what later compilations print. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KernelBench, openKernel } from '../../cli/tune/kernel-bench.ts'
import { agree, type Candidate, tuneKernel } from '../../cli/tune/tune-kernel.ts'
import { choiceOf } from '../../cli/tune/winners.ts'
import { check } from '../../compiler/1-check/index.ts'
import { candidates } from '../../compiler/7-emit/wgsl/candidates.ts'
import { defaultSchedule } from '../../compiler/7-emit/wgsl/default-schedule.ts'
import { signature } from '../../compiler/7-emit/wgsl/signature.ts'
import { dim } from '../../compiler/ir/dim.ts'
import type { EmittedKernel } from '../../compiler/lowered.ts'
import { compile } from '../../compiler/pipeline.ts'
import type { ScheduleRequest } from '../../compiler/schedule-choice.ts'
import type { GpuDevice } from '../../runtime/device.ts'
import { chosenDriver } from '../device/adapter.ts'
import { root } from '../grammar/samples.ts'
import { freshDevice } from '../runtime/open.ts'

const text = `model M {
  input  x: float[batch, 37]
  target y: int[batch]
  output logits = x |> Linear(19) |> relu |> Linear(5)
  loss cross_entropy(logits, y)
}
train {
  model: M
  optimizer: adam(lr: 1e-2)
  batch: 13
  steps: 2
}
`
const program = check({ path: 'm.dlm', text })
const dims = new Map([['batch', 13]])
const options = { model: 'M', entries: ['step'] as const, train: program.trains[0]!, target: 'cpu-class' as const }

let gpu: GpuDevice
let requests: ScheduleRequest[] = []
beforeAll(async () => {
  gpu = await freshDevice()
  const seen = new Map<string, ScheduleRequest>()
  compile(program, {
    ...options,
    subgroup: gpu.subgroup,
    schedules: (request) => {
      seen.set(signature(request.emit()), request)
      return undefined
    },
  })
  requests = [...seen.values()]
})
afterAll(() => gpu.dispose())

const contraction = () => requests.find(({ kernel }) => kernel.kind === 'contract')!
const open = ({ kernel, storages, sizes }: ScheduleRequest) =>
  openKernel(gpu.device, kernel, storages, new Map([...[...sizes].map(([n, s]) => [n, s.constant!] as const), ...dims]))
const altered = (
  emitted: EmittedKernel,
  change: (stage: EmittedKernel['stages'][number]) => object,
): EmittedKernel => ({
  ...emitted,
  stages: emitted.stages.map((stage) => ({ ...stage, ...change(stage) })),
})

describe('a wrong candidate', () => {
  const wrong: Readonly<Record<string, (emitted: EmittedKernel) => EmittedKernel>> = {
    'that does nothing at all': (e) => altered(e, ({ workgroups: [, y, z] }) => ({ workgroups: [dim(0), y, z] })),
    'that ends before it stores': (e) =>
      altered(e, ({ wgsl }) => ({ wgsl: wgsl.replace(/(fn main\([\s\S]*?\)\s*\{)/, '$1\n  if (true) { return; }') })),
    'that loses its accumulation': (e) => altered(e, ({ wgsl }) => ({ wgsl: wgsl.replaceAll(' + ', ' - ') })),
    'whose text is none': (e) => altered(e, () => ({ wgsl: 'this is no shader' })),
  }
  for (const [what, break_] of Object.entries(wrong))
    it(`${what} is refused, and the default stays`, async () => {
      const request = contraction()
      const bench = open(request)
      const list: Candidate<string>[] = [{ choice: 'wrong', emitted: () => break_(request.emit()) }]
      const tuned = await tuneKernel(bench, request.emit(), list, 1e-5, () => true)
      bench.dispose()
      expect({ choice: tuned.choice, tried: tuned.tried, refused: tuned.refused }).toEqual({
        choice: undefined,
        tried: 1,
        refused: 1,
      })
    })
  it('is found among right ones', async () => {
    const request = contraction()
    const bench = open(request)
    const list: Candidate<string>[] = [
      { choice: 'right', emitted: () => request.emit(defaultSchedule(request.kernel, 'cpu-class', request.limits)) },
      { choice: 'wrong', emitted: () => wrong['that does nothing at all']!(request.emit()) },
    ]
    const tuned = await tuneKernel(bench, request.emit(), list, 1e-5, () => true)
    bench.dispose()
    expect(tuned.refused).toBe(1)
    expect(tuned.choice).not.toBe('wrong')
  })
})

it('what wins is held to the float64 reference, whatever the default gives', async () => {
  const zeros = [Float64Array.of(0, 0, 0)]
  const standard = contraction().emit()
  const tried = (reference: number[]) => {
    // The default, the candidate; both again.
    const times = [8, 2, 2, 8]
    const bench: KernelBench = {
      results: async () => zeros,
      time: async () => times.shift()!,
      reference: () => [Float64Array.from(reference)],
      dispose() {},
    }
    return tuneKernel(bench, standard, [{ choice: 'faster', emitted: () => standard }], 1e-5, () => true)
  }
  expect(await tried([0, Number.NaN, 0])).toMatchObject({ choice: 'faster', refused: 0 })
  expect(await tried([0, Number.NaN, 1])).toMatchObject({ choice: undefined, refused: 1 })
})

it('the reference gives at its samples what the defaults give, for every kernel of the step', async () => {
  for (const request of requests) {
    const bench = open(request)
    const [found, wanted] = [await bench.results(request.emit()), bench.reference()]
    wanted.forEach((values, tensor) => {
      const sampled = [...values.keys()].filter((i) => !Number.isNaN(values[i]!))
      expect(sampled.length, request.kernel.name).toBeGreaterThan(0)
      const at = (list: Float64Array) => Float64Array.from(sampled, (i) => list[i]!)
      expect(agree([at(found[tensor]!)], [at(values)], 1e-5), request.kernel.name).toBe(true)
    })
    bench.dispose()
  }
})

describe('results agree', () => {
  const f = (...values: number[]) => [Float64Array.from(values)]
  it('within the tolerance of the greatest value, and nowhere else', () => {
    expect(agree(f(1, 2), f(1, 2), 0)).toBe(true)
    expect(agree(f(1, 2.00001), f(1, 2), 1e-5)).toBe(true)
    expect(agree(f(1, 2.0001), f(1, 2), 1e-5)).toBe(false)
    expect(agree(f(Number.NaN, 2), f(1, 2), 1)).toBe(false)
    expect(agree(f(1, Number.NaN), f(1, Number.NaN), 0)).toBe(true)
    expect(agree(f(1, 2), f(1, Number.NaN), 1)).toBe(false)
    expect(agree(f(Number.POSITIVE_INFINITY), f(Number.POSITIVE_INFINITY), 0)).toBe(true)
  })
})

it('every candidate for a product, a row and a map gives what the default gives, on shapes that fit no tile', async () => {
  for (const kind of ['contract', 'row', 'map'] as const) {
    const request = requests.find(({ kernel }) => kernel.kind === kind)!
    const bench = open(request)
    const expected = await bench.results(request.emit())
    const chosen = defaultSchedule(request.kernel, request.target, request.limits, request.sizes)
    const tried = candidates(request.kernel, chosen, request.limits, request.target)
    expect(tried.length).toBeGreaterThan(4)
    // Large tiles take a driver in software seconds to compile.
    for (const schedule of tried.filter((s) => s.kind !== 'contract' || s.rows * s.columns <= 16)) {
      const given = await bench.results(request.emit(schedule))
      expect(agree(given, expected, 1e-5), `${kind} by ${JSON.stringify(schedule)}`).toBe(true)
    }
    bench.dispose()
  }
  gpu.check()
})

describe('what was kept', () => {
  const winner = (schedule: object) => ({ schedule, kernel: '', dims: {}, before: 2, after: 1 }) as never
  it('is printed in place of the default, for that kernel alone', () => {
    const request = contraction()
    const chosen = defaultSchedule(request.kernel, 'cpu-class', request.limits, request.sizes)
    const [other] = candidates(request.kernel, chosen, request.limits, request.target)
    const standard = compile(program, { ...options, subgroup: gpu.subgroup }).program
    const tuned = compile(program, {
      ...options,
      subgroup: gpu.subgroup,
      schedules: choiceOf({ [signature(request.emit())]: winner(other!) }),
    }).program
    const texts = (of: typeof standard) => new Set(of.pipelines.map(({ wgsl }) => wgsl))
    const added = [...texts(tuned)].filter((wgsl) => !texts(standard).has(wgsl))
    expect(added).toEqual(request.emit(other).stages.map(({ wgsl }) => wgsl))
  })
  it('is nothing where the key is of another text, or the schedule of another kind', () => {
    const request = contraction()
    const key = signature(request.emit())
    const map = { kind: 'map', guards: 'branch', lanes: 8, steps: 1 }
    expect(choiceOf({})).toBeUndefined()
    expect(choiceOf({ [key]: winner(map) })!(request)).toBeUndefined()
    expect(choiceOf({ '0000': winner(map) })!(request)).toBeUndefined()
  })
})

describe('dlmc tune', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dlm-tune-'))
    writeFileSync(join(folder, 'm.dlm'), text)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const env = () => ({ ...process.env, XDG_CACHE_HOME: join(folder, 'cache') })
  const command = join(root, 'dist/cli/main.js')

  it('keeps its winners by version, adapter and kernel, and ends within its time', () => {
    const out = execFileSync(
      process.execPath,
      [command, 'tune', 'm.dlm', '--budget', '4s', '--device', chosenDriver().name, '--json'],
      { cwd: folder, env: env(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000 },
    )
    const { adapter, winners } = JSON.parse(out) as {
      adapter: string
      winners: Record<string, { before: number; after: number }>
    }
    const kept = JSON.parse(readFileSync(join(folder, 'cache/dlm/schedules.json'), 'utf8'))
    expect(Object.values(kept as Record<string, Record<string, object>>)[0]![adapter]).toEqual(winners)
    for (const { before, after } of Object.values(winners)) expect(after).toBeLessThan(before)
  })
  it('what it kept is what modules carry, where they are compiled with it', () => {
    const kept = JSON.parse(readFileSync(join(folder, 'cache/dlm/schedules.json'), 'utf8')) as Record<string, object>
    const [tunedVersion] = Object.keys(kept)
    // A winner that is no default: whatever the clock said above, the modules must have it.
    const request = contraction()
    const [other] = candidates(
      request.kernel,
      defaultSchedule(request.kernel, 'cpu-class', request.limits, request.sizes),
      request.limits,
      request.target,
    )
    const adapters = { 'left adapter': { [signature(request.emit())]: { schedule: other } }, 'right adapter': {} }
    const cache = join(folder, 'other/dlm')
    mkdirSync(cache, { recursive: true })
    writeFileSync(join(cache, 'schedules.json'), JSON.stringify({ [tunedVersion!]: adapters }))
    const compileTo = (output: string, ...args: string[]) =>
      spawnSync(
        process.execPath,
        [
          command,
          'compile',
          'm.dlm',
          '-o',
          output,
          '--adapters',
          `software${gpu.subgroup}`,
          '--devices',
          'webgpu',
          ...args,
        ],
        { cwd: folder, env: { ...env(), XDG_CACHE_HOME: join(folder, 'other') }, encoding: 'utf8' },
      )
    const texts = (output: string) =>
      new Set(
        readdirSync(join(folder, output), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.wgsl'))
          .map((name) => readFileSync(join(folder, output, name), 'utf8')),
      )
    expect(compileTo('plain', '--quiet').stderr).toBe('')
    expect(compileTo('tuned', '--quiet', '--tuned', 'left').stderr).toBe('')
    const added = [...texts('tuned')].filter((wgsl) => !texts('plain').has(wgsl))
    expect(added.length).toBe(1)
    const which = compileTo('never', '--tuned')
    expect([which.status, which.stderr]).toEqual([2, expect.stringContaining('left adapter; right adapter')])
    expect(compileTo('never', '--tuned', 'nobody').stderr).toContain('means none of the adapters')
  })
  it('says what it cannot do', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [command, 'tune', 'm.dlm', ...args], { cwd: folder, env: env(), encoding: 'utf8' })
    const wasm = run('--device', 'wasm')
    expect([wasm.status, wasm.stderr]).toEqual([2, expect.stringContaining('WebGPU')])
    expect(run('--budget', 'soon').status).toBe(2)
    expect(existsSync(join(folder, 'cache/dlm'))).toBe(true)
  })
})
