/** `dlmc profile` and `dlmc devices --measure`: whatever the device, the parts add up to what the plan says a step does. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { compile } from '../../compiler/pipeline.ts'
import type { CompiledProgram } from '../../runtime/abi.ts'
import { inOrder } from '../../runtime/commands.ts'
import { openByWall } from '../../runtime/profile/by-wall.ts'
import { evaluate } from '../../runtime/size.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { chosenDriver } from '../device/adapter.ts'
import { root } from '../grammar/samples.ts'
import { freshDevice } from '../runtime/open.ts'
import { smallNetwork, train } from '../runtime/small-network.ts'

interface Report {
  readonly method: string
  readonly milliseconds: number
  readonly roofline: { readonly bytesPerSecond: number; readonly flopsPerSecond: number }
  readonly kernels: readonly Row[]
  readonly lines: readonly Row[]
}
interface Row {
  readonly name: string
  readonly runs: number
  readonly share: number
  readonly flops: number
  readonly bytes: number
  readonly milliseconds: number
}

const net = `model Net {
  input  x: float[batch, T, 6]
  target y: int[batch]
  layer reader = RNN(5)
  let read = reader(x)
  output logits = read.last |> Linear(3)
  loss cross_entropy(logits, y)
}
train {
  model: Net
  optimizer: adam(lr: 1e-2)
  batch: 3
  dims: (T: 4)
  steps: 1
}
`
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dlm-profile-'))
  writeFileSync(join(folder, 'net.dlm'), net)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const dlmc = (...args: string[]) =>
  JSON.parse(
    execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args, '--json'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') },
    }),
  )

const total = (rows: readonly Row[], of: (row: Row) => number) => rows.reduce((sum, row) => sum + of(row), 0)

describe.each([chosenDriver().name, 'wasm', 'reference'])('on %s', (device) => {
  it('kernels and lines each add up to the step', () => {
    const report = dlmc('profile', 'net.dlm', '--device', device, '--runs', '2') as Report
    const { dispatches } = (
      dlmc('inspect', 'net.dlm', '--target', device === 'gpu' || device === 'wasm' ? device : 'cpu-class') as {
        entries: { name: string; dispatches: { flops: number; bytesMoved: number }[] }[]
      }
    ).entries.find(({ name }) => name === 'step')!
    const flops = dispatches.reduce((sum, d) => sum + d.flops, 0)
    const bytes = dispatches.reduce((sum, d) => sum + d.bytesMoved, 0)
    for (const rows of [report.kernels, report.lines]) {
      expect(total(rows, (r) => r.flops) / flops).toBeCloseTo(1, 9)
      expect(total(rows, (r) => r.bytes) / bytes).toBeCloseTo(1, 9)
      expect(total(rows, (r) => r.milliseconds) / report.milliseconds).toBeCloseTo(1, 9)
      expect(total(rows, (r) => r.share)).toBeCloseTo(1, 9)
    }
    expect(report.milliseconds).toBeGreaterThan(0)
    expect(report.method).toBe(device === 'reference' || device === 'wasm' ? 'wall' : 'timestamps')
    if (device !== 'reference') expect(report.lines.some(({ name }) => name === 'net.dlm:5')).toBe(true)
  })
  it('what a device can do is measured once and kept in the cache of the user', () => {
    const measured = dlmc('devices', '--measure', '--device', device) as Record<string, unknown>
    const { found } = dlmc('devices', '--device', device) as { found: { description: { name: string } }[] }
    expect(found.map(({ description }) => description.name)).toEqual(device === 'reference' ? [] : [measured['device']])
    const kept = JSON.parse(readFileSync(join(folder, 'cache/dlm/rooflines.json'), 'utf8')) as Record<string, object>
    const { device: name, ...roofline } = measured
    expect(kept[name as string]).toEqual(roofline)
    expect(dlmc('devices', '--measure', '--device', device)).toEqual(measured)
    expect(roofline['bytesPerSecond']).toBeGreaterThan(0)
    expect(roofline['flopsPerSecond']).toBeGreaterThan(0)
  })
})

it('by the wall, every dispatch of an entry is timed and the entry still runs', async () => {
  const { program } = compile(smallNetwork, { model: 'Small', entries: ['step'], train, target: 'cpu-class' })
  const gpu = await freshDevice()
  const timer = await openByWall(program, (parts, options) => gpu.open(parts, options), {
    dims: { batch: 2 },
    entries: ['step'],
  })
  const times = await timer.time({})
  expect(times.map(({ dispatch }) => dispatch)).toEqual(program.entries.find((e) => e.name === 'step')!.dispatches)
  expect(times.every(({ milliseconds }) => milliseconds >= 0)).toBe(true)
  timer.executor.dispose()
  gpu.dispose()
})

it('by the wall, a short dispatch is repeated in all turns of the loops around it', async () => {
  const checked = check({ path: 'net.dlm', text: net })
  const { program } = compile(checked, { model: 'Net', entries: ['step'], train: checked.trains[0]!, target: 'wasm' })
  const step = program.entries.find(({ name }) => name === 'step')!
  expect(step.loops!.length).toBeGreaterThan(0)
  const dims = { batch: 3, T: 4 }
  let opened: CompiledProgram | undefined
  const timer = await openByWall(
    program,
    (parts, options) => {
      opened = parts
      return wasmDevice({ threads: 1 }).open(parts, options)
    },
    { dims, entries: ['step'] },
  )
  for (const [index, dispatch] of step.dispatches.entries()) {
    const own = evaluate(dispatch.repeats ?? 1, dims)
    const parts = opened!.entries.filter(({ name }) => name.startsWith(`step ${index} `))
    expect(parts.map((part) => inOrder(part, dims).length)).toEqual(
      [1, 32, 1024].map((turns) => own * Math.ceil(turns / own)),
    )
    for (const part of parts) expect(part.dispatches).toEqual([dispatch])
  }
  const { executor } = timer
  const { path } = program.parameters[0]!
  const parameter = (await executor.read(path)).map((_, i) => i)
  executor.write(path, parameter)
  expect((await timer.time({})).map(({ dispatch }) => dispatch)).toEqual(step.dispatches)
  // Its parts, each run a thousand times, have left no trace.
  expect(await executor.read(path)).toEqual(parameter)
  timer.executor.dispose()
})
