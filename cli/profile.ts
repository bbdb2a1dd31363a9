/** `dlmc profile FILE`: the time of one step (or another entry) by kernel and by source line, against what the device could do. */
import { compile } from '../compiler/pipeline.ts'
import { addSizes, type CompiledProgram, type Dispatch } from '../runtime/abi.ts'
import { isGpu } from '../runtime/device.ts'
import { hasTimestamps, openByTimestamps } from '../runtime/profile/by-timestamps.ts'
import { openByWall } from '../runtime/profile/by-wall.ts'
import type { TimedDispatch, Timer } from '../runtime/profile/timing.ts'
import { schedule } from '../runtime/schedule.ts'
import { stepValues } from '../runtime/step-values.ts'
import { initialize } from '../runtime/variables.ts'
import { exitCodes, UsageError } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { asRecord, collect, deviceOption, parseCount, parseDims, type Verb } from './options.ts'
import { fillInputs } from './profile/inputs.ts'
import { print } from './profile/print.ts'
import { rooflineOf } from './profile/roofline.ts'
import { byKernel, byLine } from './profile/times.ts'
import { completeDims, selectModel, trainOf } from './select.ts'
import { canMix, compilationFor, openCompiled, selectDevice } from './session.ts'
import { terminal } from './terminal.ts'

interface Options {
  readonly model?: string
  readonly train?: string
  readonly entry?: string
  readonly dims?: string[]
  readonly runs: string
  readonly device: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const entries = ['step', 'infer', 'evaluate', 'gradients'] as const

export const profileVerb: Verb = (program, run) => {
  program
    .command('profile')
    .description(
      'time of a training step by kernel and by source line, with the rates reached and what the device could do',
    )
    .argument('<file>')
    .option('--model <name>', 'the model, where the file has several')
    .option('--train <name>', 'the train block, where the file has several')
    .option('--entry <name>', `what is run: ${entries.join(', ')}; a step where there is a train block, else infer`)
    .option('--dims <name=number>', 'values of free dims, such as batch=32', collect)
    .option('--runs <n>', 'how often; the median of each kernel counts', '5')
    .option(...deviceOption)
    .option('--json', 'as JSON')
    .option('--quiet', 'do not say which device it is')
    .action((file: string, options: Options) => run(() => profile(file, options)))
}

async function profile(file: string, options: Options): Promise<number> {
  const checked = loadValidProgram(file)
  const name = selectModel(checked, options.model)
  const train = trainOf(checked, name, options.train)
  const args = train?.model.arguments
  const entry = entryOf(options.entry, train !== undefined)
  if (entry === 'step' && !train) throw new UsageError(`${file} trains no model "${name}"; choose --entry infer`)
  const device = await selectDevice(options.device, options.quiet === true)
  const { program, simplified } = compile(checked, {
    model: name,
    ...(args && { arguments: args }),
    entries: [entry],
    ...(train && { train }),
    half: train ? await canMix(device, train.precision, options.quiet === true) : false,
    ...compilationFor(device),
  })
  const dims = asRecord(completeDims(program.dims, parseDims(options.dims), train))
  const roofline = await rooflineOf(device)
  const gpu = device.device && isGpu(device.device) && hasTimestamps(device.device) ? device.device : undefined
  const open = (program: CompiledProgram, opening: Parameters<typeof openCompiled>[2]) =>
    openCompiled(program, device, opening, simplified)
  const session = { dims, entries: [entry] }
  const timer = gpu
    ? await openByTimestamps(program, gpu, session)
    : device.device === undefined
      ? openWhole(program, await open(program, session), entry)
      : await openByWall(program, open, session)
  try {
    initialize(timer.executor, train?.seed ?? 0)
    fillInputs(timer.executor, program.entries.find((e) => e.name === entry)!.inputs)
    const rates = train ? [train.optimizer.rate, ...train.optimizer.overrides.map((o) => o.rate)].map(schedule) : []
    const times = await medians(timer, parseCount('--runs', options.runs), (step) =>
      stepValues(program.stepBlock, 0, step, rates),
    )
    const report = {
      model: name,
      entry,
      device: device.description.name,
      method: gpu ? ('timestamps' as const) : ('wall' as const),
      dims,
      roofline,
      milliseconds: times.reduce((sum, t) => sum + t.milliseconds, 0),
      kernels: byKernel(times, program, dims, roofline),
      lines: byLine(times, dims, roofline),
    }
    if (options.json) terminal.json(report)
    else terminal.line(print(report))
    return exitCodes.done
  } finally {
    timer.executor.dispose()
  }
}

function entryOf(given: string | undefined, trains: boolean): (typeof entries)[number] {
  if (given === undefined) return trains ? 'step' : 'infer'
  const known = entries.find((e) => e === given)
  if (known) return known
  throw new UsageError(`--entry takes one of ${entries.join(', ')}; this is "${given}"`)
}

/** Of each dispatch, after one run that compiles. */
async function medians(
  timer: Timer,
  runs: number,
  values: (step: number) => ReturnType<typeof stepValues>,
): Promise<TimedDispatch[]> {
  await timer.time(values(1))
  const all: (readonly TimedDispatch[])[] = []
  for (let run = 0; run < Math.max(1, runs); run++) all.push(await timer.time(values(run + 2)))
  return all[0]!.map(({ dispatch }, index) => {
    const sorted = all.map((times) => times[index]!.milliseconds).sort((a, b) => a - b)
    return { dispatch, milliseconds: sorted[sorted.length >> 1]! }
  })
}

/** The interpreter evaluates graphs, not kernels: only the whole can be timed. */
function openWhole(program: CompiledProgram, executor: Timer['executor'], entry: string): Timer {
  const { dispatches } = program.entries.find((e) => e.name === entry)!
  const whole: Dispatch = {
    ...dispatches[0]!,
    label: 'everything',
    flops: addSizes(...dispatches.map((d) => d.flops)),
    bytes: addSizes(...dispatches.map((d) => d.bytes)),
    origins: [],
    repeats: 1,
  }
  return {
    executor,
    async time(values) {
      const start = performance.now()
      await executor.run(entry, values)
      const milliseconds = performance.now() - start
      await executor.scalars()
      return [{ dispatch: whole, milliseconds }]
    },
  }
}
