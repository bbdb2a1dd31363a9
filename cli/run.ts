/** `dlmc run FILE --weights W --input I --output O`: one forward, and with `--gradients` one backward, by tensor name. */
import { report } from '../compiler/diagnostics/catalogue.ts'
import { DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { nameUnknown } from '../compiler/diagnostics/files.ts'
import { carriesSvg } from '../runtime/carry-curves.ts'
import { carryRecord, readCarryNorms } from '../runtime/carry-norms.ts'
import { writeFileAtomically } from '../runtime/node/atomic-file.ts'
import type { Tensor } from '../runtime/safetensors.ts'
import { exitCodes, UsageError } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { asRecord, collect, deviceOption, parseDims, type Verb } from './options.ts'
import { checkRecordable, parseRecord, recordOption } from './record.ts'
import { completeDims, selectModel, trainedBy } from './select.ts'
import { openProgram } from './session.ts'
import { asTensor, dimsFromShapes, readTensors, shapeOf, take, uploadVariables, writeTensors } from './tensors.ts'
import { terminal } from './terminal.ts'
import { namesOption, readWeights } from './weight-names.ts'

interface Options {
  readonly weights: string
  readonly names?: string
  readonly input: string
  readonly output: string
  readonly dims?: string[]
  readonly gradients?: boolean
  readonly expose?: string[]
  readonly record?: string
  readonly plot?: string
  readonly device: string
  readonly quiet?: boolean
}

export const runVerb: Verb = (program, run) => {
  program
    .command('run')
    .description('run a model once on tensors from a file')
    .argument('<file>')
    .argument('[model]')
    .requiredOption('--weights <path>', 'parameters and states (safetensors)')
    .option(...namesOption)
    .requiredOption('--input <path>', 'inputs, and targets with --gradients (safetensors)')
    .requiredOption('--output <path>', 'outputs by name; the loss as `loss`, gradients as `grad.NAME`')
    .option('--dims <name=number>', 'values of free dims that the inputs do not fix', collect)
    .option('--gradients', 'also the loss, metrics, and the gradient of every parameter and float input')
    .option('--expose <name>', 'also an exposed value', collect)
    .option(recordOption[0], `with --gradients also ${recordOption[1]}`)
    .option('--plot <path>', 'with --record carries: a picture of the norms (SVG)')
    .option(...deviceOption)
    .option('--quiet', 'say nothing')
    .action((file: string, modelName: string | undefined, options: Options) =>
      run(async () => {
        const record = options.record === undefined ? [] : parseRecord(options.record)
        if (record.length > 0 && !options.gradients) throw new UsageError('--record needs --gradients')
        if (options.plot !== undefined && !record.includes('carries'))
          throw new UsageError('--plot needs --record carries')
        const checked = loadValidProgram(file)
        const name = selectModel(checked, modelName)
        const weights = readWeights(options.weights, options.names)
        const train = trainedBy(checked, name, weights.metadata.get('block'))
        const args = train?.model.arguments
        const model = checked.model(name, { training: false, ...(args && { arguments: args }) })
        for (const wanted of options.expose ?? [])
          if (!model.exposed.some((e) => e.name === wanted))
            throw new DiagnosticError([
              report(nameUnknown, { what: 'exposed value', name: wanted, available: model.exposed.map((e) => e.name) }),
            ])
        checkRecordable(model, record)
        const entry = options.gradients ? 'gradients' : 'infer'
        const input = readTensors(options.input)
        const session = await openProgram({
          program: checked,
          compile: {
            model: name,
            ...(args && { arguments: args }),
            sizesFrom: train,
            entries: [entry],
            expose: options.expose ?? [],
            record,
          },
          device: options.device,
          quiet: options.quiet === true,
          dims: (compiled) => {
            const fromFile = dimsFromShapes(compiled, [input])
            return completeDims(compiled.dims, new Map([...fromFile, ...parseDims(options.dims)]), train)
          },
          entries: [entry],
        })
        const { executor, dims } = session
        try {
          uploadVariables(executor, weights)
          const slots = new Map(executor.program.tensors.map((t) => [t.name, t]))
          const { inputs, outputs } = executor.program.entries.find((e) => e.name === entry)!
          for (const each of inputs) {
            const slot = slots.get(each)!
            executor.write(each, take(input, each, shapeOf(slot, asRecord(dims)), slot.dtype))
          }
          await executor.run(entry)
          const results = new Map<string, Tensor>()
          for (const each of outputs)
            results.set(each, asTensor(await executor.read(each), shapeOf(slots.get(each)!, asRecord(dims))))
          await writeTensors(options.output, results, new Map([['model', name]]))
          if (options.plot !== undefined) {
            const carries = carryRecord()
            carries.add(await readCarryNorms(executor, entry))
            await writeFileAtomically(options.plot, carriesSvg(carries.curves(), carries.runs))
          }
          if (!options.quiet) terminal.error(`${options.output}: ${outputs.length} tensors`)
          return exitCodes.done
        } finally {
          executor.dispose()
        }
      }),
    )
}
