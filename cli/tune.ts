/** `dlmc tune FILE`: looks for faster schedules of a program's kernels on this adapter, and keeps those whose results are right. */
import { type Compilation, type CompileOptions, compile } from '../compiler/pipeline.ts'
import type { Program } from '../compiler/program.ts'
import { isGpu } from '../runtime/device.ts'
import { allowExperiments } from '../runtime/node/matrices.ts'
import { exitCodes, UsageError } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { asRecord, collect, deviceOption, parseDims, type Verb } from './options.ts'
import { completeDims, selectModel, trainOf } from './select.ts'
import { canMix, type SelectedDevice, selectDevice } from './session.ts'
import { terminal } from './terminal.ts'
import { tuneProgram } from './tune/tune-program.ts'
import { adapterKey, keepWinners } from './tune/winners.ts'

interface Options {
  readonly model?: string
  readonly train?: string
  readonly dims?: string[]
  readonly budget: string
  readonly device: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export const tuneVerb: Verb = (program, run) => {
  program
    .command('tune')
    .description('look for faster kernels on this adapter; later compilations on it use what was found')
    .argument('<file>')
    .option('--model <name>', 'the model, where the file has several')
    .option('--train <name>', 'the train block, where the file has several')
    .option('--dims <name=number>', 'values of free dims, such as batch=32', collect)
    .option('--budget <time>', 'how long to look, such as 60s or 5m', '60s')
    .option(...deviceOption)
    .option('--json', 'as JSON')
    .option('--quiet', 'only the sum')
    .action((file: string, options: Options) => run(() => tune(file, options)))
}

async function tune(file: string, options: Options): Promise<number> {
  const milliseconds = parseDuration(options.budget)
  const checked = loadValidProgram(file)
  const name = selectModel(checked, options.model)
  const train = trainOf(checked, name, options.train)
  allowExperiments()
  const device = await selectDevice(options.device, options.quiet === true)
  const half = train ? await canMix(device, train.precision, options.quiet === true) : false
  const args = train?.model.arguments
  const { winners, adapter } = await tuneFor(
    checked,
    {
      model: name,
      ...(args && { arguments: args }),
      entries: train ? ['step'] : ['infer'],
      ...(train && { train }),
      half,
    },
    device,
    (compilation) => asRecord(completeDims(compilation.program.dims, parseDims(options.dims), train)),
    milliseconds,
    options.quiet === true || options.json === true,
  )
  if (options.json) terminal.json({ adapter, winners })
  else terminal.line(`${Object.keys(winners).length} kernels have a faster schedule on ${adapter} now`)
  return exitCodes.done
}

/** Also called by `train --tune`, with the options of its compilation. */
export async function tuneFor(
  program: Program,
  options: CompileOptions,
  device: SelectedDevice,
  dimsOf: (compilation: Compilation) => Record<string, number>,
  milliseconds: number,
  quiet: boolean,
) {
  const gpu = device.device
  const adapter = adapterKey(gpu)
  if (!gpu || !isGpu(gpu) || adapter === undefined)
    throw new UsageError(`schedules are chosen for WebGPU adapters; ${device.description.name} is none`)
  const all: CompileOptions = { ...options, target: device.target, subgroup: device.subgroup }
  const winners = await tuneProgram({
    program,
    compile: all,
    gpu,
    dims: dimsOf(compile(program, all)),
    milliseconds,
    tell(kernel, { choice, before, after, tried, refused }) {
      const found = choice
        ? `${(before / after).toFixed(2)} times as fast: ${JSON.stringify(choice)}`
        : 'the default stays'
      if (!quiet)
        terminal.error(
          `${kernel}: ${before.toFixed(3)} ms, ${tried} tried${refused > 0 ? `, ${refused} refused` : ''}, ${found}`,
        )
    },
  })
  await keepWinners(adapter, winners)
  return { winners, adapter }
}

/** `90`, `90s`, `5m` → milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m)?$/.exec(text)
  const value = match && Number(match[1]) * (match[2] === 'm' ? 60_000 : 1000)
  if (!value) throw new UsageError(`--budget takes a time such as 60s or 5m; this is "${text}"`)
  return value
}
