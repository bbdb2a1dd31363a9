/** A checked file → the modules of its models, compiled for each class of adapter that was asked for. */

import type { CompiledProgram } from '../runtime/abi.ts'
import { incrementalModel } from './2-lower/incremental.ts'
import { simplify } from './4-simplify/simplify.ts'
import { type EmittedFiles, emitModule } from './7-emit/typescript/emit.ts'
import type { ModuleInput, SequencesInput, VariantInput } from './7-emit/typescript/input.ts'
import type { ToJavaScript } from './7-emit/typescript/javascript.ts'
import { fileStem } from './7-emit/typescript/literals.ts'
import { withPackedCode } from './7-emit/typescript/packed-code.ts'
import type { LoweredEntry } from './lowered.ts'
import { type CompileOptions, compileFor } from './pipeline.ts'
import type { ModelGraph, Program, TrainDescription } from './program.ts'
import type { ScheduleChoice } from './schedule-choice.ts'
import { type Sequences, sequencesOf, tokenSequencesOf } from './sequences.ts'

export const adapterClasses = ['gpu', 'software', 'software4', 'software8'] as const
export type AdapterClass = (typeof adapterClasses)[number]
/** What modules can run on. */
export const moduleDevices = ['webgpu', 'wasm'] as const
export type ModuleDevice = (typeof moduleDevices)[number]

export interface ModuleOptions {
  readonly version: string
  /** Hash of the file's text. */
  readonly hash: string
  readonly emit?: 'ts' | 'js'
  /** Only this model. */
  readonly model?: string | undefined
  /** Only the module of this `train` block. */
  readonly train?: string | undefined
  /** By default all of them. */
  readonly devices?: readonly ModuleDevice[]
  /** Of WebGPU: by default hardware GPUs, and where there is no WebAssembly to stand in for them, any adapter in software. */
  readonly adapters?: readonly AdapterClass[] | undefined
  readonly runtime?: string
  /** Schedules in place of the defaults, such as those that a tuner found. */
  readonly schedules?: ScheduleChoice | undefined
}

/** A model with a `train` block of its, or with none: what one module is made of. */
export interface ModuleUnit {
  readonly name: string
  readonly stem: string
  readonly model: string
  readonly train: TrainDescription | undefined
}

/** The modules of a file, in its order, of those that were asked for. */
export function moduleUnits(program: Program, options: Pick<ModuleOptions, 'model' | 'train'>): ModuleUnit[] {
  const stems = new Set<string>()
  return units(program)
    .map((unit) => {
      // A module keeps its name when others are not written.
      const stem = unused(fileStem(unit.name), stems)
      stems.add(stem)
      return { ...unit, stem }
    })
    .filter(({ model }) => options.model === undefined || model === options.model)
    .filter(({ train }) => options.train === undefined || train?.name === options.train)
}

export async function compileModules(program: Program, options: ModuleOptions): Promise<EmittedFiles[]> {
  const emitted: EmittedFiles[] = []
  for (const unit of moduleUnits(program, options))
    emitted.push(await moduleFiles(await moduleInput(program, unit, options), options))
  return emitted
}

/** With TypeScript, which is loaded when it is first asked for. */
export const toJavaScript: ToJavaScript = async (emitted) =>
  (await import('./7-emit/typescript/javascript.ts')).toJavaScript(emitted)
export const loadTypeScript = async (): Promise<unknown> =>
  (await import('./7-emit/typescript/javascript.ts')).loadTypeScript()

/** A compiled module → its files. */
export async function moduleFiles(
  input: ModuleInput,
  { emit, runtime }: ModuleOptions,
  javascript: ToJavaScript = toJavaScript,
): Promise<EmittedFiles> {
  const files = emitModule(input, runtime === undefined ? {} : { runtime })
  return emit === 'js' ? javascript(files) : files
}

/** Each model with its first `train` block, and each further block as a module of its own, for its plan is another. */
function units({ models, trains }: Program): Omit<ModuleUnit, 'stem'>[] {
  return models.flatMap((model) => {
    const [first, ...others] = trains.filter((t) => t.model.name === model)
    return [
      { name: model, model, train: first },
      ...others.map((train, i) => ({ name: `${model}${capital(train.name ?? String(i + 2))}`, model, train })),
    ]
  })
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

function unused(stem: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? stem : `${stem}_${n}`
    if (!taken.has(candidate)) return candidate
  }
}

/** What a module's programs are compiled in: all that trains and infers, `infer` with what is exposed, and position by position. */
export type ModulePart = 'whole' | 'exposing' | 'stepping'

/** The programs of a part, one for each target; none where the model has no such part. */
export async function modulePart(
  program: Program,
  unit: ModuleUnit,
  options: ModuleOptions,
  part: ModulePart,
): Promise<readonly CompiledProgram[]> {
  const { train } = unit
  const model = modelOf(program, unit)
  const targets = targetsOf(options)
  const compiled = (more: Omit<CompileOptions, 'model'>, halves: readonly boolean[] = []) =>
    Promise.all(
      compileFor(
        program,
        {
          model: unit.model,
          ...(train && { arguments: train.model.arguments }),
          ...more,
          schedules: options.schedules,
        },
        targets.map((target, at) => ({ target: target.target, subgroup: target.subgroup, half: halves[at] === true })),
      ).map((each) => withPackedCode(each.program)),
    )
  switch (part) {
    case 'whole': {
      const entries: LoweredEntry['name'][] = [
        'infer',
        ...(model.loss ? (['evaluate'] as const) : []),
        ...(train ? (['step'] as const) : []),
      ]
      return compiled(
        { ...(train && { train }), entries, record: [] },
        targets.map(({ half }) => half),
      )
    }
    case 'exposing': {
      const expose = model.exposed.map(({ name }) => name)
      return expose.length === 0 ? [] : compiled({ entries: ['infer'], expose, sizesFrom: train })
    }
    case 'stepping':
      return sequencesInput(model) ? compiled({ entries: ['begin', 'prefill', 'advance', 'reorder'] }) : []
    default:
      return part satisfies never
  }
}

const modelOf = (program: Program, { model, train }: ModuleUnit): ModelGraph =>
  program.model(model, { training: false, ...(train && { arguments: train.model.arguments }) })

/** `compile` gives the programs of a part, where they are not compiled here. */
export async function moduleInput(
  program: Program,
  unit: ModuleUnit,
  options: ModuleOptions,
  compile: (part: ModulePart) => Promise<readonly CompiledProgram[]> = (part) =>
    modulePart(program, unit, options, part),
): Promise<ModuleInput> {
  const { train } = unit
  // The longest first: what is short is more easily shared at the end.
  const parts = Promise.all([compile('whole'), compile('stepping'), compile('exposing')])
  parts.catch(() => undefined)
  // Code was packed beside the compilation of what came next.
  const [whole, stepping, exposing] = await parts
  const targets = targetsOf(options)
  const model = modelOf(program, unit)
  const sequences = sequencesInput(model, targets.length > 0 ? stepping.length > 0 : undefined)
  const variants = targets.map(
    ({ half: _, ...target }, at): VariantInput => ({
      ...target,
      program: whole[at]!,
      exposing: exposing[at],
      stepping: stepping[at],
    }),
  )
  return {
    name: unit.name,
    stem: unit.stem,
    model,
    train,
    variants,
    sequences,
    origin: { file: fileOf(program.path), text: program.text, hash: options.hash, compiler: options.version },
  }
}

/** Of a model that can be run position by position; others have no stepper. `hasStepper`: whether this one has, where that is known. */
function sequencesInput(model: ModelGraph, hasStepper?: boolean): SequencesInput | undefined {
  const sequences = hasStepper === false ? undefined : sequencesIn(model, hasStepper === true)
  if (!sequences) return undefined
  const { rows, context, streams, others, outputs } = sequences
  const tokens = tokenSequencesOf(model)
  const says = tokens && streams.length === 1 && streams[0] === tokens.tokens
  return {
    rows: rows.key,
    context: context.constant ?? context.key,
    streams,
    others,
    outputs,
    tokens: says ? { input: tokens.tokens.name, output: tokens.logits.name, vocabulary: tokens.vocabulary } : undefined,
  }
}

/** What of a model runs position by position; where it is known that something does and there is one candidate, that is not found out again. */
function sequencesIn(model: ModelGraph, isStepped: boolean): Sequences | undefined {
  const [first, ...others] = sequencesOf(model)
  if (!first || (isStepped && others.length === 0)) return first
  const made = incrementalModel(model, simplify)
  return 'fault' in made ? undefined : made.sequences
}

const fileOf = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)

/**
 * Kernels of `software4` and `software8` count on subgroups of so many lanes, as SwiftShader and lavapipe have them. Of
 * these two only the second has the 16-bit floats that `precision: mixed` asks for; elsewhere such a block trains in float32.
 */
type ModuleTarget = Omit<VariantInput, 'program' | 'exposing' | 'stepping'> & { readonly half: boolean }
const targets: Record<AdapterClass | 'wasm', ModuleTarget> = {
  gpu: { name: 'gpu', target: 'gpu', subgroup: undefined, half: true },
  software: { name: 'software', target: 'cpu-class', subgroup: undefined, half: false },
  software4: { name: 'software4', target: 'cpu-class', subgroup: 4, half: false },
  software8: { name: 'software8', target: 'cpu-class', subgroup: 8, half: true },
  wasm: { name: 'wasm', target: 'wasm', subgroup: undefined, half: false },
}

function targetsOf({ devices = moduleDevices, adapters }: ModuleOptions): readonly ModuleTarget[] {
  const wasm = devices.includes('wasm')
  const classes = devices.includes('webgpu') ? (adapters ?? (wasm ? ['gpu'] : ['gpu', 'software'])) : []
  return [...classes, ...(wasm ? (['wasm'] as const) : [])].map((name) => targets[name])
}
