import type { Program, TrainDescription } from '../compiler/program.ts'
import type { DataDescription, FieldDescription } from '../runtime/abi.ts'
import { beamSearch } from '../runtime/decode/beam.ts'
import { generate } from '../runtime/decode/generate.ts'
import { incremental } from '../runtime/decode/incremental.ts'
import type { NextLogits } from '../runtime/decode/next-logits.ts'
import type { TensorData } from '../runtime/executor.ts'
import { special } from '../runtime/tokenize/special.ts'
import type { Tokenizer } from '../runtime/tokenize/tokenizer.ts'
import { exitCodes, UsageError } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { asRecord, collect, deviceOption, parseCount, parseDims, type Verb } from './options.ts'
import { promptTensor, promptTokens } from './prompt.ts'
import { completeDims, selectModel, trainedBy } from './select.ts'
import { sequencePorts } from './sequence-ports.ts'
import { openProgram } from './session.ts'
import { type TensorFile, uploadVariables } from './tensors.ts'
import { terminal } from './terminal.ts'
import { vocabulariesOf } from './vocabularies.ts'
import { namesOption, readWeights } from './weight-names.ts'

interface Options {
  readonly weights: string
  readonly names?: string
  readonly prompt: string
  readonly length: string
  readonly temperature?: string
  readonly topK?: string
  readonly topP?: string
  readonly beams?: string
  readonly lengthPenalty: string
  readonly stop?: string[]
  readonly seed: string
  readonly dims?: string[]
  readonly device: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export const generateVerb: Verb = (program, run) => {
  program
    .command('generate')
    .description('let a trained sequence model go on with a text, or answer it')
    .argument('<file>')
    .argument('[model]')
    .requiredOption('--weights <path>', 'the `model.safetensors` of a run, which holds the vocabularies too')
    .option(...namesOption)
    .option('--prompt <text>', 'what to go on with, or to answer', '')
    .option('--length <n>', 'at most so many tokens', '200')
    .option('--temperature <x>', '0 always takes the likeliest token; 1 draws as the model says')
    .option('--top-k <n>', 'draws from the n likeliest tokens only')
    .option('--top-p <x>', 'draws from the likeliest tokens that make this probability')
    .option('--beams <n>', 'searches for the likeliest text instead of drawing one')
    .option('--length-penalty <x>', 'with --beams: how much longer texts are favoured', '0.6')
    .option('--stop <text>', 'ends where this token is said', collect)
    .option('--seed <n>', 'of the draws', '0')
    .option('--dims <name=number>', 'values of free dims; default: those of the training', collect)
    .option(...deviceOption)
    .option('--json', 'text and tokens as JSON')
    .option('--quiet', 'only the text')
    .action((file: string, model: string | undefined, options: Options) =>
      run(() => generateText(file, model, options)),
    )
}

/** A causal model position by position; one that looks ahead is told where. */
const entries = ['begin', 'prefill', 'advance', 'reorder'] as const

async function generateText(file: string, modelName: string | undefined, options: Options): Promise<number> {
  const program = loadValidProgram(file)
  const name = selectModel(program, modelName)
  const weights = readWeights(options.weights, options.names)
  const train = trainedBy(program, name, weights.metadata.get('block'))
  const args = train?.model.arguments
  const model = program.model(name, { training: false, ...(args && { arguments: args }) })
  const ports = sequencePorts(model)
  const vocabularies = vocabulariesOf(options.weights, weights)
  if (!vocabularies)
    throw new UsageError(
      `${options.weights} holds no vocabularies; use the model.safetensors of a run whose data is text (dlmc train)`,
    )
  const tokenizer = vocabularies.get(ports.tokens.name)
  if (!tokenizer) throw new UsageError(`${options.weights} has no vocabulary for the input "${ports.tokens.name}"`)
  const fields = fieldsOf(program, train)
  const beams = options.beams === undefined ? 1 : atLeastOne('--beams', options.beams)
  const length = atLeastOne('--length', options.length)

  const { executor, dims } = await openProgram({
    program,
    compile: {
      model: name,
      ...(args && { arguments: args }),
      entries: [...entries],
      streams: [ports.tokens.name],
    },
    device: options.device,
    quiet: options.quiet === true || options.json === true,
    dims: (compiled) => {
      const trained = new Map([...trainedDims(weights), [ports.batch, beams], ...parseDims(options.dims)])
      const known = [...trained].filter(([dim]) => compiled.dims.includes(dim))
      return completeDims(compiled.dims, new Map(known), train)
    },
    entries,
  })
  const interrupt = new AbortController()
  const onSignal = () => interrupt.abort()
  process.once('SIGINT', onSignal)
  try {
    uploadVariables(executor, weights)
    const context = ports.context.constant ?? asRecord(dims)[ports.context.key]!
    const others = new Map<string, TensorData>()
    for (const port of ports.others)
      others.set(port.name, promptTensor(port, options.prompt, fields.get(port.name), vocabularies, beams, dims))
    const sequences = incremental(executor, {
      input: ports.tokens.name,
      output: ports.logits.name,
      rows: beams,
      context,
      vocabulary: ports.vocabulary,
      others,
    })
    const field = fields.get(ports.tokens.name)
    const start = promptTokens(ports.others.length > 0 ? '' : options.prompt, field, tokenizer)
    const said = [...fields.values()].filter((f) => f.stages.some((stage) => stage.kind === 'end'))
    const ends = said.some((f) => model.targets.some((target) => target.name === f.name))
    const stop = [...(ends ? [special.eos] : []), ...(options.stop ?? []).map((text) => oneToken(text, tokenizer))]
    const never = [special.pad, special.bos, special.unk, ...(ends ? [] : [special.eos])]
    const continues = ports.others.length === 0
    // An answer has its own beginning and end; only what goes on may outgrow the context.
    const most = continues ? length : Math.min(length, context)
    const request = { length: most, stop, never, signal: interrupt.signal }
    return options.beams === undefined
      ? await drawn(sequences, start, tokenizer, continues, { ...request, ...drawing(options) }, options)
      : await searched(sequences, start, tokenizer, continues, request, options)
  } finally {
    process.off('SIGINT', onSignal)
    executor.dispose()
  }
}

type Request = Parameters<typeof generate>[2] & { readonly stop: readonly number[] }

async function drawn(
  model: NextLogits,
  start: Int32Array,
  tokenizer: Tokenizer,
  continues: boolean,
  request: Request,
  options: Options,
): Promise<number> {
  const stream = tokenizer.stream()
  const tokens: number[] = []
  let text = ''
  const say = (part: string) => {
    text += part
    if (!options.json) terminal.out(part)
  }
  if (continues) for (const token of start) say(stream.push(token))
  for await (const token of generate(model, start, request)) {
    tokens.push(token)
    say(stream.push(token))
  }
  say(stream.end())
  if (options.json) terminal.json({ text, tokens })
  else terminal.line()
  return request.signal?.aborted ? exitCodes.interrupted : exitCodes.done
}

async function searched(
  model: NextLogits,
  start: Int32Array,
  tokenizer: Tokenizer,
  continues: boolean,
  request: Request,
  options: Options,
): Promise<number> {
  const lengthPenalty = numberOf('--length-penalty', options.lengthPenalty, (x) => x >= 0, 'of at least 0')
  const found = await beamSearch(model, start, { ...request, lengthPenalty })
  const texts = found.map(({ tokens, logProbability, score }) => ({
    text: tokenizer.decode(continues ? [...start, ...tokens] : tokens),
    tokens,
    logProbability,
    score,
  }))
  if (options.json) terminal.json(texts)
  else terminal.line(texts[0]?.text ?? '')
  return exitCodes.done
}

function drawing(options: Options) {
  const positive = (x: number) => x >= 0
  return {
    seed: parseCount('--seed', options.seed),
    temperature:
      options.temperature === undefined ? 1 : numberOf('--temperature', options.temperature, positive, 'of at least 0'),
    topK: options.topK === undefined ? undefined : atLeastOne('--top-k', options.topK),
    topP:
      options.topP === undefined ? undefined : numberOf('--top-p', options.topP, (x) => x > 0 && x <= 1, 'from 0 to 1'),
  }
}

function numberOf(what: string, text: string, fits: (x: number) => boolean, range: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || !fits(value))
    throw new UsageError(`${what} takes a number ${range}; this is "${text}"`)
  return value
}

function atLeastOne(what: string, text: string): number {
  const value = parseCount(what, text)
  if (value < 1) throw new UsageError(`${what} takes a whole number of at least 1; this is "${text}"`)
  return value
}

function oneToken(text: string, tokenizer: Tokenizer): number {
  const ids = tokenizer.encode(text.replaceAll('\\n', '\n'))
  if (ids.length !== 1 || ids[0] === special.unk)
    throw new UsageError(
      `--stop takes one token of the vocabulary; "${text}" is ${ids.length === 1 ? 'unknown' : `${ids.length} tokens`}`,
    )
  return ids[0]!
}

/** The sizes of the free dims in training, which the weights carry. */
function trainedDims({ metadata }: TensorFile): Map<string, number> {
  try {
    const parsed: unknown = JSON.parse(metadata.get('dims') ?? '{}')
    const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []
    return new Map(entries.filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && entry[1] > 0))
  } catch {
    return new Map()
  }
}

/** The fields of the training data, which say how a prompt becomes what the model was trained on. */
function fieldsOf(program: Program, train: TrainDescription | undefined): ReadonlyMap<string, FieldDescription> {
  const data: DataDescription | undefined = train?.data === undefined ? undefined : program.data.get(train.data)
  const partition = data?.partitions.find(({ name }) => name === 'train')
  return new Map(partition?.kind === 'fields' ? partition.fields.map((field) => [field.name, field]) : [])
}
