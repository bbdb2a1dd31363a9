/** `dlmc init FILE --output W.safetensors`: freshly drawn parameters and states, the same for a seed on every machine. */
import { compile } from '../compiler/pipeline.ts'
import { initialValues } from '../runtime/initialize.ts'
import type { Tensor } from '../runtime/safetensors.ts'
import { exitCodes } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { parseCount, type Verb } from './options.ts'
import { originOf } from './origin.ts'
import { selectModel, trainedBy } from './select.ts'
import { asTensor, writeTensors } from './tensors.ts'
import { terminal } from './terminal.ts'

export const initVerb: Verb = (program, run) => {
  program
    .command('init')
    .description('write freshly initialised weights')
    .argument('<file>')
    .argument('[model]')
    .requiredOption('-o, --output <path>', 'the safetensors file to write')
    .option('--block <name>', 'for the sizes of this train block; default: the first of the model')
    .option('--seed <n>', "seed of the draw; default: the train block's, else 0")
    .option('--quiet', 'say nothing')
    .action(
      (
        file: string,
        modelName: string | undefined,
        options: { output: string; block?: string; seed?: string; quiet?: boolean },
      ) =>
        run(async () => {
          const checked = loadValidProgram(file)
          const name = selectModel(checked, modelName)
          const train = trainedBy(checked, name, options.block)
          const args = train?.model.arguments
          const { program: compiled } = compile(checked, {
            model: name,
            ...(args && { arguments: args }),
            entries: ['infer'],
          })
          const seed = options.seed === undefined ? (train?.seed ?? 0) : parseCount('--seed', options.seed)
          // The model's own lists, not the compiled entry's: inference may leave a state unused.
          const model = checked.model(name, { training: false, ...(args && { arguments: args }) })
          const records = [...compiled.parameters, ...model.states.map((s) => ({ ...s, trainable: false }))]
          const tensors = new Map<string, Tensor>(
            records.map((r) => [r.path, asTensor(initialValues(r, seed), r.shape)]),
          )
          await writeTensors(
            options.output,
            tensors,
            new Map([
              ['model', name],
              ['seed', String(seed)],
              ...originOf(checked),
              ...(train?.name === undefined ? [] : [['block', train.name] as const]),
            ]),
          )
          if (!options.quiet) terminal.error(`${options.output}: ${tensors.size} tensors of ${name}, seed ${seed}`)
          return exitCodes.done
        }),
    )
}
