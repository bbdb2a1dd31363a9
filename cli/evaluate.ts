/**
 * `dlmc evaluate FILE --weights W`: loss and metrics of trained weights on a part of the data; of a model that answers a source,
 * also what it says greedily, scored against all right answers.
 */
import { dirname } from 'node:path'
import type { Program, TrainDescription } from '../compiler/program.ts'
import { type TokenSequences, tokenSequencesOf } from '../compiler/sequences.ts'
import { batchDimOf, dimsOfFields, wantedFields } from '../runtime/batch-dims.ts'
import { type Batch, datasetBatches, typedArray } from '../runtime/data/batches.ts'
import { type Dataset, firstExamples } from '../runtime/data/dataset.ts'
import { greedyBatch } from '../runtime/decode/greedy-batch.ts'
import { evaluate } from '../runtime/evaluate.ts'
import type { Executor, TensorData } from '../runtime/executor.ts'
import { bleu } from '../runtime/metrics/bleu.ts'
import { errorRate, sequenceErrorRate } from '../runtime/metrics/edit-distance.ts'
import { openData } from '../runtime/node/open-data.ts'
import { special } from '../runtime/tokenize/special.ts'
import { exitCodes, UsageError } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { asRecord, collect, deviceOption, parseCount, type Verb } from './options.ts'
import { completeDims, selectModel, trainedBy } from './select.ts'
import { openProgram } from './session.ts'
import { uploadVariables } from './tensors.ts'
import { terminal } from './terminal.ts'
import { vocabulariesOf } from './vocabularies.ts'
import { namesOption, readWeights } from './weight-names.ts'

interface Options {
  readonly weights: string
  readonly names?: string
  readonly block?: string
  readonly part: string
  readonly first?: string
  readonly data?: string[]
  readonly device: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export const evaluateVerb: Verb = (program, run) => {
  program
    .command('evaluate')
    .description('how good trained weights are on a part of the data')
    .argument('<file>')
    .argument('[model]')
    .requiredOption('--weights <path>', 'the `model.safetensors` of a run')
    .option(...namesOption)
    .option('--block <name>', 'the train block; default: the one that made the weights')
    .option('--part <name>', 'train, validation or test', 'test')
    .option('--first <n>', 'only the first so many examples')
    .option('--data <name=path>', 'where a data block finds its files, or the file of one field', collect)
    .option(...deviceOption)
    .option('--json', 'the figures as JSON')
    .option('--quiet', 'only the figures')
    .action((file: string, model: string | undefined, options: Options) =>
      run(() => evaluateFile(file, model, options)),
    )
}

async function evaluateFile(file: string, modelName: string | undefined, options: Options): Promise<number> {
  const program = loadValidProgram(file)
  const name = selectModel(program, modelName)
  const weights = readWeights(options.weights, options.names)
  const train = trainedBy(program, name, options.block ?? weights.metadata.get('block'))
  if (!train) throw new UsageError(`${file} has no train block of the model "${name}", which would name the data`)
  const model = program.model(name, { training: false, arguments: train.model.arguments })
  const dataset = await openPart(program, train, file, options)
  const sequences = tokenSequencesOf(model)
  // Only a model that is told a source answers one; what goes on with a text is judged by its loss.
  const ports = sequences && sequences.others.length > 0 && model.targets.length > 0 ? sequences : undefined
  const entries = [...(model.loss ? (['evaluate'] as const) : []), ...(ports ? (['infer'] as const) : [])]
  if (entries.length === 0)
    throw new UsageError(`the model "${name}" has no loss and answers no source: nothing to judge`)

  const { executor, dims } = await openProgram({
    program,
    compile: { model: name, arguments: train.model.arguments, sizesFrom: train, entries },
    device: options.device,
    quiet: options.quiet === true || options.json === true,
    dims: (compiled) => {
      const fields = dimsOfFields(compiled, dataset.fields)
      return completeDims(compiled.dims, new Map([...fields, ...train.dims, ['batch', train.batch]]), train)
    },
    entries,
    variants: (compiled, opened) => {
      const key = batchDimOf(compiled)
      const rest = dataset.examples % opened[key]!
      return rest === 0 || !model.loss ? [] : [{ entry: 'evaluate', dims: { ...opened, [key]: rest } }]
    },
  })
  try {
    uploadVariables(executor, weights)
    // Of one length, the greatest: the session has no other.
    const wanted = wantedFields(executor.program, executor.dims).map(({ name, shape, dtype }) => ({
      name,
      shape,
      dtype,
    }))
    const batch = executor.dims[batchDimOf(executor.program)]!
    const source = datasetBatches(dataset, wanted, { batch, dropLast: false })
    const figures: Record<string, number> = { examples: dataset.examples }
    if (model.loss) Object.assign(figures, await evaluate(executor, source))
    if (ports) Object.assign(figures, await answers(executor, ports, source.epoch(0, 0), asRecord(dims)))
    if (options.json) terminal.json(figures)
    else for (const [what, value] of Object.entries(figures)) terminal.line(`${what}: ${shown(value)}`)
    return exitCodes.done
  } finally {
    executor.dispose()
  }
}

const shown = (value: number): string => (Number.isInteger(value) ? value.toLocaleString('en') : value.toPrecision(4))

async function openPart(program: Program, train: TrainDescription, file: string, options: Options): Promise<Dataset> {
  const data = train.data === undefined ? undefined : program.data.get(train.data)
  if (!data) throw new UsageError('the train block names no data')
  const overrides = new Map((options.data ?? []).map((text) => text.split(/=(.*)/s, 2) as [string, string]))
  const vocabularies = vocabulariesOf(options.weights, readWeights(options.weights, undefined))
  const parts = await openData(data, { directory: dirname(file), overrides, ...(vocabularies && { vocabularies }) })
  const dataset = parts.get(options.part)
  if (!dataset)
    throw new UsageError(
      `the data block "${data.name}" has no part "${options.part}"; it has ${[...parts.keys()].join(', ')}`,
    )
  const first = options.first === undefined ? dataset.examples : parseCount('--first', options.first)
  return first < dataset.examples ? firstExamples(dataset, first) : dataset
}

/** Greedy answers to all sources: a source that has several right answers is asked once, and the nearest of them counts. */
async function answers(
  executor: Executor,
  ports: TokenSequences,
  batches: AsyncIterable<Batch>,
  dims: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const context = ports.context.constant ?? dims[ports.context.key]!
  const rows = dims[ports.batch]!
  const target = executor.program.tensors.find(({ role, dtype }) => role === 'target' && dtype === 'int')!
  const judged = new Map<string, { readonly said: Int32Array; readonly references: Int32Array[] }>()
  for await (const { fields, examples } of batches) {
    const sources = ports.others.map(({ name }) => fields.get(name)!)
    for (const [i, { name, dtype }] of ports.others.entries()) {
      // A last, smaller batch is answered as a full one.
      const full = typedArray(dtype, new ArrayBuffer((4 * rows * sources[i]!.length) / examples))
      full.set(sources[i]!)
      executor.write(name, full)
    }
    const keys = Array.from({ length: examples }, (_, row) =>
      sources.map((data) => rowOf(data, row, examples).join()).join('|'),
    )
    const known = keys.every((key) => judged.has(key))
    const said = known
      ? []
      : await greedyBatch({
          rows,
          context,
          vocabulary: ports.vocabulary,
          never: [special.pad, special.bos, special.unk],
          async logits(tokens) {
            executor.write(ports.tokens.name, tokens)
            await executor.run('infer')
            return (await executor.read(ports.logits.name)) as Float32Array
          },
        })
    for (const [row, key] of keys.entries()) {
      const tokens = [...rowOf(fields.get(target.name)!, row, examples)]
      const ends = tokens.findIndex((token) => token === special.eos || token === special.pad)
      const reference = Int32Array.from(ends < 0 ? tokens : tokens.slice(0, ends))
      const earlier = judged.get(key)
      if (earlier) earlier.references.push(reference)
      else judged.set(key, { said: said[row]!, references: [reference] })
    }
  }
  const all = [...judged.values()]
  const words = (tokens: Int32Array) => Array.from(tokens, String)
  return {
    sources: all.length,
    'token error rate': errorRate(all),
    'sequence error rate': sequenceErrorRate(all),
    BLEU: bleu(all.map(({ said, references }) => ({ said: words(said), references: references.map(words) }))).score,
  }
}

const rowOf = (data: TensorData, row: number, rows: number): TensorData =>
  data.subarray((data.length / rows) * row, (data.length / rows) * (row + 1))
