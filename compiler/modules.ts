/** A checked file → the modules of its models, compiled for each class of adapter that was asked for. */
import { type EmittedFiles, emitModule } from './7-emit/typescript/emit.ts'
import type { ModuleInput, VariantInput } from './7-emit/typescript/input.ts'
import { toJavaScript } from './7-emit/typescript/javascript.ts'
import { fileStem } from './7-emit/typescript/literals.ts'
import type { LoweredEntry } from './lowered.ts'
import { compile } from './pipeline.ts'
import type { Program, TrainDescription } from './program.ts'

export const adapterClasses = ['gpu', 'software', 'software4', 'software8'] as const
export type AdapterClass = (typeof adapterClasses)[number]

export interface ModuleOptions {
  readonly version: string
  /** Hash of the file's text. */
  readonly hash: string
  readonly emit?: 'ts' | 'js'
  /** Only this model. */
  readonly model?: string | undefined
  /** By default hardware GPUs and any adapter in software. */
  readonly adapters?: readonly AdapterClass[]
  readonly runtime?: string
}

export async function compileModules(program: Program, options: ModuleOptions): Promise<EmittedFiles[]> {
  const stems = new Set<string>()
  const emitted: EmittedFiles[] = []
  for (const { name, model, train } of units(program)) {
    if (options.model !== undefined && model !== options.model) continue
    const stem = unused(fileStem(name), stems)
    stems.add(stem)
    const files = await emitModule(
      moduleInput(program, { name, stem, model, train }, options),
      options.runtime === undefined ? {} : { runtime: options.runtime },
    )
    emitted.push(options.emit === 'js' ? await toJavaScript(files) : files)
  }
  return emitted
}

interface Unit {
  readonly name: string
  readonly model: string
  readonly train: TrainDescription | undefined
}

/** Each model with its first `train` block, and each further block as a module of its own, for its plan is another. */
function units({ models, trains }: Program): Unit[] {
  return models.flatMap((model): Unit[] => {
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

export function moduleInput(
  program: Program,
  unit: Unit & { readonly stem: string },
  options: ModuleOptions,
): ModuleInput {
  const { train } = unit
  const shared = { model: unit.model, ...(train && { arguments: train.model.arguments }) }
  const model = program.model(unit.model, { training: false, ...(train && { arguments: train.model.arguments }) })
  const entries: LoweredEntry['name'][] = [
    'infer',
    ...(model.loss ? (['evaluate'] as const) : []),
    ...(train ? (['step'] as const) : []),
  ]
  const expose = model.exposed.map((e) => e.name)
  const variants = (options.adapters ?? (['gpu', 'software'] as const)).map((adapter): VariantInput => {
    const { half, ...target } = targets[adapter]
    return {
      ...target,
      program: compile(program, { ...shared, ...(train && { train }), entries, half, ...target }).program,
      exposing:
        expose.length === 0
          ? undefined
          : compile(program, { ...shared, entries: ['infer'], expose, ...target }).program,
    }
  })
  return {
    name: unit.name,
    stem: unit.stem,
    model,
    train,
    variants,
    origin: { file: fileOf(program.path), hash: options.hash, compiler: options.version },
  }
}

const fileOf = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)

/**
 * Kernels of `software4` and `software8` count on subgroups of so many lanes, as SwiftShader and lavapipe have them. Of
 * these two only the second has the 16-bit floats that `precision: mixed` asks for; elsewhere such a block trains in float32.
 */
type AdapterTarget = Omit<VariantInput, 'program' | 'exposing'> & { readonly half: boolean }
const targets: Record<AdapterClass, AdapterTarget> = {
  gpu: { name: 'gpu', target: 'gpu', subgroup: undefined, half: true },
  software: { name: 'software', target: 'cpu-class', subgroup: undefined, half: false },
  software4: { name: 'software4', target: 'cpu-class', subgroup: 4, half: false },
  software8: { name: 'software8', target: 'cpu-class', subgroup: 8, half: true },
}
