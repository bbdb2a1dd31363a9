/**
 * A causal model's module → an opened model that can also be run position by position. A stepper is a session of its own,
 * with the weights that the model had when it was made.
 */
import type { CompiledProgram } from './abi.ts'
import { CheckpointError } from './checkpoint-error.ts'
import { isBounded } from './decode/incremental.ts'
import { DisposedError, NameError, ShapeError, UnsupportedError } from './errors.ts'
import type { Executor, TensorData } from './executor.ts'
import { openModel, variantFor, writeInputs } from './model.ts'
import type { ModelSpec, OpenModelOptions, SequenceModel, SequenceSpec, Stepper, StepperOptions } from './model-spec.ts'
import { defaultDevice } from './platform.ts'
import { serial } from './readback.ts'

/** A model and the sessions of its incremental form. */
export interface Stepping<M> {
  readonly model: M
  readonly program: CompiledProgram
  readonly sequences: SequenceSpec
  /** Of a session under these options; weights are put into it by `fill`. */
  open(options: StepperOptions): Promise<Executor>
  /** Counts the changes of the weights. */
  readonly version: () => number
  fill(executor: Executor): Promise<void>
}

export async function openSequenceModel<I, O, P extends string, S, N, Q>(
  spec: ModelSpec,
  options: OpenModelOptions,
): Promise<SequenceModel<I, O, P, S, N, Q>> {
  return (await openStepping<I, O, P, S, N, Q>(spec, options)).model
}

export async function openStepping<I, O, P extends string, S, N, Q>(
  spec: ModelSpec,
  options: OpenModelOptions,
): Promise<Stepping<SequenceModel<I, O, P, S, N, Q>>> {
  const device = options.device ?? (await defaultDevice(spec.wasm))
  const program = variantFor(spec, device).stepping!
  const sequences = spec.sequences!
  const model = await openModel<I, O, P>(spec, { ...options, device })
  const sessions = new Set<Executor>()
  let version = 0
  let disposed = false

  const fill = async (executor: Executor): Promise<void> => {
    if (version === 0 && model.parameters.length > 0)
      throw new CheckpointError(spec.name, 'its parameters have no values yet', {
        fix: 'call load(…) first, or initialize(seed)',
      })
    for (const { path } of [...program.parameters, ...program.states]) executor.write(path, await model.read(path as P))
  }
  const open = async ({ rows = 1, context, dims }: StepperOptions): Promise<Executor> => {
    if (disposed) throw new DisposedError(spec.name)
    const length =
      typeof sequences.context === 'string' && context !== undefined ? { [sequences.context]: context } : {}
    const executor = await device.open(program, {
      dims: { ...model.dims, ...dims, ...length, [sequences.rows]: rows },
      entries: program.entries.map(({ name }) => name),
    })
    sessions.add(executor)
    return executor
  }
  const dispose = (): void => {
    disposed = true
    for (const session of sessions) session.dispose()
    model.dispose()
  }
  const opened: SequenceModel<I, O, P, S, N, Q> = {
    ...model,
    initialize(seed) {
      model.initialize(seed)
      version += 1
    },
    async load(source, how) {
      const metadata = await model.load(source, how)
      version += 1
      return metadata
    },
    async stepper(how = {}) {
      const executor = await open(how)
      try {
        await fill(executor)
      } catch (error) {
        executor.dispose()
        throw error
      }
      return stepperOf<S, N, Q>(executor, sequences, how.rows ?? 1)
    },
    dispose,
    [Symbol.dispose]: dispose,
  }
  return { model: opened, program, sequences, open, fill, version: () => version }
}

/** Inputs beside the streams that the program has a use for. */
export const sourcesOf = ({ others }: SequenceSpec, program: CompiledProgram): readonly string[] =>
  others.filter((name) => program.tensors.some((t) => t.name === name && t.role === 'input'))

/** Positions that a session has room for. */
export const contextOf = ({ context }: SequenceSpec, executor: Executor): number =>
  typeof context === 'string' ? executor.dims[context]! : context

function stepperOf<S, N, Q>(executor: Executor, sequences: SequenceSpec, rows: number): Stepper<S, N, Q> {
  const { program } = executor
  const sources = sourcesOf(sequences, program)
  const context = contextOf(sequences, executor)
  const room = isBounded(program) ? context : Number.POSITIVE_INFINITY
  const { outputs } = program.entries.find(({ name }) => name === 'advance')!
  const names = outputs.filter((name) => program.tensors.some((t) => t.name === name && t.role === 'output'))
  const results: Record<string, TensorData> = {}
  const inTurn = serial()
  let position = 0
  let begun = false

  const begin = async (source: unknown): Promise<void> => {
    writeInputs(executor, sources, source)
    await executor.run('begin')
    position = 0
    begun = true
  }
  return {
    rows,
    context: room,
    get position() {
      return position
    },
    begin: (...[source]) => inTurn(() => begin(source)),
    step: (inputs, from) =>
      inTurn(async () => {
        if (!begun) await begin({})
        if (position === room)
          throw new ShapeError(
            'position',
            `at most ${room} positions`,
            'one more: begin again, or open a larger context',
          )
        const given = inputs as Readonly<Record<string, TensorData>>
        for (const name of Object.keys(given))
          if (!sequences.streams.includes(name)) throw new NameError('input', name, sequences.streams)
        for (const name of sequences.streams) executor.write(`${name}.next`, given[name]!)
        if (from) {
          if (!program.entries.some(({ name }) => name === 'reorder'))
            throw new UnsupportedError(`the rows of ${program.name} cannot be told apart`, 'step without `from`')
          if (program.tensors.some(({ name }) => name === 'rows.from')) {
            executor.write('rows.from', from)
            await executor.run('reorder')
          }
        }
        await executor.run('advance', { position })
        position += 1
        for (const name of names) results[name] = await executor.read(name, undefined, results[name])
        return results as Q
      }),
    dispose: () => executor.dispose(),
    [Symbol.dispose]: () => executor.dispose(),
  }
}
