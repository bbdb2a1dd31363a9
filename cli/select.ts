/** Which model and which `train` block of a file a verb means. */
import { nearest } from '../compiler/diagnostics/near.ts'
import type { Program, TrainDescription } from '../compiler/program.ts'
import { UsageError } from './failure.ts'

const listed = (names: readonly string[]): string => names.map((n) => `"${n}"`).join(', ')

function didYouMean(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  return near ? `; did you mean "${near}"?` : names.length > 0 ? `; it has ${listed(names)}` : ''
}

export function selectModel(program: Program, name: string | undefined): string {
  if (name !== undefined) {
    if (program.models.includes(name)) return name
    throw new UsageError(`${program.path} has no model "${name}"${didYouMean(name, program.models)}`)
  }
  const [only, ...others] = program.models
  if (only === undefined) throw new UsageError(`${program.path} has no model`)
  const trained = program.trains[0]?.model.name
  if (others.length > 0 && trained === undefined)
    throw new UsageError(`${program.path} has several models; name one of ${listed(program.models)}`)
  return trained ?? only
}

export function selectTrain(program: Program, name: string | undefined): TrainDescription {
  const names = program.trains.flatMap((t) => (t.name ? [t.name] : []))
  if (name !== undefined) {
    const found = program.trains.find((t) => t.name === name)
    if (found) return found
    throw new UsageError(`${program.path} has no train block "${name}"${didYouMean(name, names)}`)
  }
  const [first, ...others] = program.trains
  if (!first) throw new UsageError(`${program.path} has no train block`)
  if (others.length > 0) throw new UsageError(`${program.path} has several train blocks; name one of ${listed(names)}`)
  return first
}

/** The block that trains a model, when there is one. */
export const trainOf = (program: Program, model: string, name?: string): TrainDescription | undefined =>
  program.trains.find((t) => t.model.name === model && (name === undefined || t.name === name))

/** The block that made weights: the one of that name, else the first of the model. */
export function trainedBy(program: Program, model: string, name: string | undefined): TrainDescription | undefined {
  const blocks = program.trains.filter((t) => t.model.name === model)
  return (name === undefined ? undefined : blocks.find((t) => t.name === name)) ?? blocks[0]
}

/** Values for all free dims: given ones first, then the block's, then small defaults. */
export function completeDims(
  names: readonly string[],
  given: ReadonlyMap<string, number>,
  train: TrainDescription | undefined,
): Map<string, number> {
  for (const name of given.keys())
    if (!names.includes(name)) throw new UsageError(`the model has no dim "${name}"${didYouMean(name, names)}`)
  const fallback = (name: string) => (name === 'batch' ? (train?.batch ?? 1) : (train?.dims.get(name) ?? 16))
  return new Map(names.map((name) => [name, given.get(name) ?? fallback(name)]))
}
