/** A generated module's program → an opened model: `run(inputs)` writes them, runs `infer`, and reads the outputs. */

import type { CompiledProgram, DimValues } from './abi.ts'
import { CheckpointError } from './checkpoint-error.ts'
import type { Device } from './device.ts'
import { NameError, ShapeError, UnsupportedError } from './errors.ts'
import type { Executor, TensorData } from './executor.ts'
import { initialValues } from './initialize.ts'
import type { DimDefaults, Model, ModelSpec, OpenModelOptions, ProgramVariant } from './model-spec.ts'
import { defaultDevice } from './platform.ts'
import { serial } from './readback.ts'
import { type Tensor, tensorOf } from './safetensors.ts'
import { heldBy, loadInto, saveTensors, weightsOfSession } from './weights.ts'

export async function openModel<I, O, P extends string>(
  spec: ModelSpec,
  options: OpenModelOptions,
): Promise<Model<I, O, P>> {
  const device = options.device ?? (await defaultDevice(spec.wasm))
  const { program, exposing } = variantFor(spec, device)
  const executor = await device.open(options.expose && exposing ? exposing : program, {
    dims: dimsOf(program, options, spec.dims),
    entries: ['infer'],
    ...(options.onProgress && { onProgress: options.onProgress }),
  })
  const { inputs, outputs } = executor.program.entries.find(({ name }) => name === 'infer')!
  const inTurn = serial()
  const held = heldBy(executor, ['infer'])
  let hasValues = held.length === 0
  return {
    ...weightsOfSession<P>(executor, held),
    initialize(seed = 0) {
      for (const variable of held) executor.write(variable.path, initialValues(variable, seed))
      hasValues = true
    },
    async load(source, how = {}) {
      const metadata = await inTurn(() => loadInto(executor, held, source, how, false))
      hasValues = true
      return metadata
    },
    save: (path) =>
      inTurn(() => {
        const read = async () => {
          const tensors = new Map<string, Tensor>()
          for (const { path: name, shape } of held) tensors.set(name, tensorOf(await executor.read(name), shape))
          return tensors
        }
        return saveTensors(read, spec, [], path)
      }),
    run: (given) =>
      inTurn(async () => {
        if (!hasValues)
          throw new CheckpointError(spec.name, 'its parameters have no values yet', {
            fix: 'call load(…) first, or initialize(seed)',
          })
        writeInputs(executor, inputs, given)
        await executor.run('infer')
        const results: [string, TensorData][] = []
        for (const name of outputs) results.push([name, await executor.read(name)])
        return Object.fromEntries(results) as O
      }),
  }
}

/** All of a record's tensors, and no other; none is written before all names are known to be right. */
export function writeInputs(executor: Executor, names: readonly string[], given: unknown, dims?: DimValues): void {
  const record = (given ?? {}) as Readonly<Record<string, TensorData>>
  for (const name of Object.keys(record)) if (!names.includes(name)) throw new NameError('input', name, names)
  for (const name of names)
    if (!Object.hasOwn(record, name)) throw new ShapeError(name, 'a tensor', `none: the inputs are ${names.join(', ')}`)
  for (const name of names) executor.write(name, record[name]!, dims)
}

/** Words of the options: a dim of such a name is given in `dims` only. */
const reserved = ['dims', 'device', 'expose', 'onProgress', 'seed', 'rate', 'validation']

/** The free dims' values: given as options of their own, in `dims`, or as the model or its `train` block have them. */
export function dimsOf(program: CompiledProgram, options: OpenModelOptions, defaults: DimDefaults = []): DimValues {
  const values = new Map(defaults)
  const of = (record: object, name: string): number | undefined =>
    Object.entries(record).find(([key]) => key === name)?.[1]
  for (const name of program.dims) {
    const value = (reserved.includes(name) ? undefined : of(options, name)) ?? of(options.dims ?? {}, name)
    if (value !== undefined) values.set(name, value)
  }
  return Object.fromEntries(values)
}

/** The plan for this device: one for its class and subgroups, else one for its class, else one that only needs WebGPU. */
export function variantFor({ name, variants }: ModelSpec, device: Device): ProgramVariant {
  const { target, subgroup, description } = device
  const usable = variants.filter(
    (v) => (v.target === 'wasm') === (target === 'wasm') && (v.subgroup === undefined || v.subgroup === subgroup),
  )
  const score = (v: ProgramVariant) => (v.target === target ? 2 : 0) + (v.subgroup === undefined ? 0 : 1)
  const [best] = usable.sort((a, b) => score(b) - score(a))
  if (best) return best
  throw new UnsupportedError(
    `${name} was not compiled for ${description.name}`,
    'compile it for all devices: `dlmc compile … --devices webgpu,wasm`',
  )
}
