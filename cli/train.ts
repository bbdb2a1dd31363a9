/** `dlmc train FILE [BLOCK]`: trains, shows how it goes, keeps everything in a run directory, tests at the end. */
import { dirname, join } from 'node:path'
import { matchesPattern } from '../compiler/path-pattern.ts'
import type { Compilation } from '../compiler/pipeline.ts'
import type { Program, TrainDescription } from '../compiler/program.ts'
import type { TrainSettings } from '../runtime/abi.ts'
import { batchDimOf, dimsOfFields, trainingSession, wantedFields } from '../runtime/batch-dims.ts'
import { carryNormsOf, carryRecord } from '../runtime/carry-norms.ts'
import type { BatchSource } from '../runtime/data/batches.ts'
import { evaluate } from '../runtime/evaluate.ts'
import { allowExperiments } from '../runtime/node/matrices.ts'
import { openData } from '../runtime/node/open-data.ts'
import { createRunDirectory, openRunDirectory, type RunDirectory } from '../runtime/node/run-directory.ts'
import { savedVocabularies, saveVocabularies } from '../runtime/node/vocabulary-file.ts'
import { nodeBatches } from '../runtime/node/worker-batches.ts'
import type { Tokenizer } from '../runtime/tokenize/tokenizer.ts'
import { encodeVocabularies, vocabularyKey } from '../runtime/tokenize/vocabularies.ts'
import { type LoadedWeights, train } from '../runtime/trainer.ts'
import { exitCodes, UsageError } from './failure.ts'
import { gradientNorms } from './gradient-norms.ts'
import { loadValidProgram } from './load.ts'
import { compileWithin, memoryOption, parseMemory } from './memory.ts'
import { asRecord, collect, deviceOption, type Verb } from './options.ts'
import { originOf, sourceHash } from './origin.ts'
import { carryTable, checkRecordable, parseRecord, recordOption } from './record.ts'
import { completeDims, selectTrain } from './select.ts'
import { canMix, compilationFor, openCompiled, selectDevice } from './session.ts'
import { applySettings } from './set.ts'
import { terminal } from './terminal.ts'
import { watchTraining } from './train-report.ts'
import { parseDuration, tuneFor } from './tune.ts'
import { namesOption, readWeights } from './weight-names.ts'

interface Options {
  readonly set?: string[]
  readonly data?: string[]
  readonly names?: string
  readonly out: string
  readonly record?: string
  readonly resume?: string
  readonly device: string
  readonly seed?: string
  readonly memory?: string
  readonly tune?: string | true
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What `config.json` of a run directory holds: enough to go on with the run. */
interface RunConfig {
  readonly file: string
  readonly block: string | undefined
  readonly set: readonly string[]
  readonly data: readonly string[]
  readonly device: string
  readonly memory?: string
  readonly record?: string
  readonly settings: TrainSettings
}

export const trainVerb: Verb = (program, run) => {
  program
    .command('train')
    .description('train a model as its train block says')
    .argument('<file>')
    .argument('[block]', 'the train block, where the file has several')
    .option('--set <key=value>', 'overrides a setting: batch, epochs, steps, seed, lr, clip_norm', collect)
    .option('--data <name=path>', 'where a data block finds its files, or the file of one field', collect)
    .option(namesOption[0], `${namesOption[1]}, for a block that loads them`)
    .option('--out <dir>', 'where run directories are made', 'runs')
    .option(...recordOption)
    .option('--resume <dir>', 'go on with an earlier run, bit for bit')
    .option('--seed <n>', 'same as --set seed=N')
    .option(...memoryOption)
    .option('--tune [time]', 'first look for faster kernels, for 60s unless it says how long')
    .option(...deviceOption)
    .option('--json', 'events as JSON lines on stdout')
    .option('--quiet', 'no progress')
    .action((file: string, block: string | undefined, options: Options) => run(() => trainFile(file, block, options)))
}

async function trainFile(file: string, block: string | undefined, options: Options): Promise<number> {
  const program = loadValidProgram(file)
  const directory = options.resume === undefined ? undefined : openRunDirectory(options.resume)
  const earlier = directory?.config as RunConfig | undefined
  const set = [
    ...(earlier?.set ?? []),
    ...(options.set ?? []),
    ...(options.seed === undefined ? [] : [`seed=${options.seed}`]),
  ]
  const description = applySettings(selectTrain(program, block ?? earlier?.block), set)
  const settings = settingsOf(description)
  const saved = directory && savedVocabularies(directory.path)
  const overrides = [...(earlier?.data ?? []), ...(options.data ?? [])]
  const record = options.record ?? earlier?.record
  const { name: modelName, arguments: modelArguments } = description.model
  if (record !== undefined)
    checkRecordable(program.model(modelName, { training: true, arguments: modelArguments }), parseRecord(record))
  const data = await openDatasets(program, description, file, overrides, saved)
  const fields = data.get('train')?.fields ?? []

  if (options.tune) allowExperiments()
  const device = await selectDevice(options.device, options.quiet === true)
  const memory = options.memory ?? earlier?.memory
  const asked = {
    model: description.model.name,
    arguments: description.model.arguments,
    entries: ['step', 'evaluate'] as const,
    train: description,
    ...(record !== undefined && { record: parseRecord(record) }),
    half: await canMix(device, description.precision, options.quiet === true),
  }
  const dimsOf = ({ program }: Compilation) => {
    const given = [...dimsOfFields(program, fields), ...description.dims, ['batch', description.batch] as const]
    return asRecord(completeDims(program.dims, new Map(given), description))
  }
  if (options.tune) {
    const time = parseDuration(options.tune === true ? '60s' : options.tune)
    await tuneFor(program, asked, device, dimsOf, time, options.quiet === true || options.json === true)
  }
  const compileOptions = { ...asked, ...compilationFor(device) }
  const compilation = compileWithin(
    memory === undefined ? undefined : parseMemory(memory),
    program,
    compileOptions,
    dimsOf,
    (line) => options.quiet !== true && terminal.error(line),
  )
  const { program: compiled, simplified } = compilation
  const dims = dimsOf(compilation)
  const batch = dims[batchDimOf(compiled)]!
  const wanted = wantedFields(compiled, dims)
  const source = (name: string, training: boolean): BatchSource | undefined => {
    const dataset = data.get(name)
    return (
      dataset &&
      nodeBatches(dataset, wanted, { batch, dropLast: training, ...(training && { shuffle: { seed: settings.seed } }) })
    )
  }
  const sources = { train: source('train', true), validation: source('validation', false), test: source('test', false) }
  if (!sources.train) throw new UsageError(`the data block "${description.data}" has no part named train`)
  const evaluated = [sources.validation, sources.test].filter((s) => s !== undefined)

  const report = watchTraining({ quiet: options.quiet === true, json: options.json === true, batch, settings })
  const executor = await openCompiled(
    compiled,
    device,
    { ...trainingSession(compiled, dims, evaluated, sources.train), onProgress: report.compiling },
    simplified,
  )
  const interrupt = new AbortController()
  const onSignal = () => {
    if (interrupt.signal.aborted) process.exit(exitCodes.interrupted)
    interrupt.abort()
    report.note('interrupted: finishing the step and saving; once more to stop at once')
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  const config: RunConfig = {
    file,
    block: description.name,
    set,
    data: options.data ?? [],
    device: options.device,
    ...(memory !== undefined && { memory }),
    ...(record !== undefined && { record }),
    settings,
  }
  const place =
    directory ??
    createRunDirectory(
      options.out,
      `${description.model.name.toLowerCase()}${description.name ? `-${description.name.toLowerCase()}` : ''}`,
      config,
    )
  try {
    const vocabularies = encodeVocabularies(fields)
    if (vocabularies !== undefined && saved === undefined) await saveVocabularies(place.path, vocabularies)
    const store = await place.checkpoints({
      keep: settings.averageLast,
      onDamaged: (error) => report.note(error.message),
    })
    const [resume] = directory ? await store.recent(1) : []
    if (directory) place.rewind(resume?.progress)
    report.opened(place.path, description.model.name, compiled, dims, resume?.progress.step)
    let lastStep = 0
    const norms = gradientNorms()
    const carries = carryRecord()
    let finish: 'complete' | 'early' | 'interrupted' = 'complete'
    const events = train({
      executor,
      settings,
      train: sources.train,
      validation: sources.validation,
      store,
      source: sourceHash(program),
      resume,
      load: loadedWeights(description, options.names),
      signal: interrupt.signal,
      metadata: new Map([
        ['model', description.model.name],
        ...originOf(program),
        ['dims', JSON.stringify(dims)],
        ...(description.name === undefined ? [] : [['block', description.name] as const]),
        ...(vocabularies === undefined ? [] : [[vocabularyKey, vocabularies] as const]),
      ]),
    })
    for await (const event of events) {
      place.record(event)
      const told = carryNormsOf(event)
      if (told) carries.add(told)
      report.event(norms.told(event))
      if (event.kind === 'finish') finish = event.reason
      lastStep = event.step
    }
    for (const line of [...norms.table(), ...carryTable(carries.curves())]) report.note(line)
    if (carries.runs > 0) report.note(`their picture: ${join(place.path, 'carries.svg')}`)
    if (finish === 'interrupted') return exitCodes.interrupted
    if (sources.test) {
      const values = await evaluate(executor, sources.test, { signal: interrupt.signal })
      if (interrupt.signal.aborted) return exitCodes.interrupted
      place.record({ kind: 'test', step: lastStep, values })
      report.tested(values, lastStep, sources.test.examples)
    }
    return exitCodes.done
  } finally {
    report.end()
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await closeAll(place, Object.values(sources))
    executor.dispose()
  }
}

async function closeAll(place: RunDirectory, sources: readonly (BatchSource | undefined)[]): Promise<void> {
  place.close()
  for (const source of sources) await source?.close?.()
}

function settingsOf(description: TrainDescription): TrainSettings {
  return {
    batch: description.batch,
    epochs: description.epochs,
    steps: description.steps,
    seed: description.seed,
    rates: [description.optimizer.rate, ...description.optimizer.overrides.map((o) => o.rate)],
    validateEvery: description.validateEvery,
    checkpointEvery: description.checkpointEvery,
    averageLast: description.averageLast,
    monitor: description.monitor,
    patience: description.patience,
    minDelta: description.minDelta,
  }
}

async function openDatasets(
  program: Program,
  description: TrainDescription,
  file: string,
  overrides: readonly string[],
  vocabularies: ReadonlyMap<string, Tokenizer> | undefined,
) {
  const data = description.data === undefined ? undefined : program.data.get(description.data)
  if (!data)
    throw new UsageError(
      `the train block names no data; write \`data: NAME\` with a data block, or train from TypeScript`,
    )
  const places = new Map<string, string>()
  for (const text of overrides) {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--data takes NAME=PATH; this is "${text}"`)
    places.set(text.slice(0, at), text.slice(at + 1))
  }
  return openData(data, { directory: dirname(file), overrides: places, ...(vocabularies && { vocabularies }) })
}

function loadedWeights({ load }: TrainDescription, names: string | undefined): LoadedWeights | undefined {
  if (!load) return undefined
  const { path, tensors } = readWeights(load.path, names)
  return { file: path, tensors, except: (name) => load.except.some((pattern) => matchesPattern(pattern, name)) }
}
