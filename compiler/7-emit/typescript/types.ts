/**
 * A model's ports → the types of its module: what it takes and gives, by name, with shapes in the doc comments.
 *
 *     input image: float[batch, 28, 28]  →  readonly image: Float32Array
 */
import type { OptionalKind, PropertySignatureStructure, StatementStructures } from 'ts-morph'
import type { CompiledProgram } from '../../../runtime/abi.ts'
import { printDims } from '../../ir/dim.ts'
import type { DType, Node } from '../../ir/graph.ts'
import type { ModelGraph } from '../../program.ts'
import type { ModuleInput } from './input.ts'
import { kind } from './kinds.ts'
import { commentText, propertyName, stringLiteral } from './literals.ts'

/** Names of a module's own declarations, all beginning with the model's. */
export const typeSuffixes = [
  '',
  'Inputs',
  'ExposingInputs',
  'Examples',
  'Outputs',
  'Exposed',
  'Metrics',
  'Step',
  'Parameter',
  'Source',
  'Next',
  'Now',
  'Options',
  'TrainOptions',
  'Model',
  'Trainer',
] as const

/** Words of the options; a dim of such a name is given in `dims`. The runtime's `model.ts` knows the same. */
const optionNames = ['dims', 'device', 'expose', 'onProgress', 'seed', 'rate', 'validation']

const arrays = {
  float: 'Float32Array',
  int: 'Int32Array',
  uint: 'Uint32Array',
  bool: 'Uint32Array',
} as const satisfies Record<DType, string>

interface Port {
  readonly name: string
  readonly node: Pick<Node, 'shape' | 'dtype'>
  readonly documentation?: string | undefined
}

export function typeStatements({ model, train, variants, sequences }: ModuleInput, id: string): StatementStructures[] {
  const face = (
    suffix: string,
    docs: string,
    properties: OptionalKind<PropertySignatureStructure>[],
    parents: string[] = [],
  ): StatementStructures => ({
    kind: kind.Interface,
    name: `${id}${suffix}`,
    isExported: true,
    docs: [docs],
    extends: parents,
    properties,
  })
  const { program } = variants[0]!
  const trained = program.entries.some((e) => e.name === 'step')
  const scalars = (entry: string): string[] => {
    const known = new Set(program.tensors.filter((t) => t.role === 'loss' || t.role === 'metric').map((t) => t.name))
    return (program.entries.find((e) => e.name === entry)?.outputs ?? []).filter((name) => known.has(name))
  }
  const evaluated = scalars('evaluate')
  const documentationOf = new Map([...model.metrics, ...model.lossTerms].map((m) => [m.name, m.documentation]))
  const scalarProperties = (names: readonly string[]) =>
    names.map(
      (name): OptionalKind<PropertySignatureStructure> => ({
        name: propertyName(name),
        type: 'number',
        isReadonly: true,
        ...docsOf(documentationOf.get(name)),
      }),
    )
  const paths = [...program.parameters, ...program.states].map((p) => `  | ${stringLiteral(p.path)}`)
  const { run, exposing, training } = inputsOf({ model, variants })
  const statements = [
    face('Inputs', 'What a run takes, by name.', ports(run)),
    face('Outputs', 'What a run gives, by name.', ports(model.outputs)),
  ]
  if (model.exposed.length > 0)
    statements.push(
      face('Exposed', 'What a run gives too when the model was opened with `expose: true`.', ports(model.exposed)),
    )
  if (exposing.length > 0)
    statements.push(
      face('ExposingInputs', 'What a run takes that gives exposed values.', ports(exposing), [`${id}Inputs`]),
    )
  if (sequences)
    statements.push(
      face('Source', 'What a sequence begins with: inputs that are given whole.', ports(sequences.others)),
      face('Next', 'What a step takes: the next position of each row.', ports(sequences.streams.map(atOnePosition))),
      face('Now', 'What a step gives: the outputs at that position.', ports(sequences.outputs.map(atOnePosition))),
    )
  statements.push({
    kind: kind.TypeAlias,
    name: `${id}Parameter`,
    isExported: true,
    docs: ['Parameters and states by path, as files of weights have them.'],
    type: paths.length === 0 ? 'never' : `\n${paths.join('\n')}`,
  })
  const defaults = new Set(defaultDims(model, train).map(([name]) => name))
  statements.push(face('Options', 'How to open it.', dimProperties(model, defaults), ['OpenModelOptions']))
  if (trained) {
    statements.push(
      face('Examples', 'What a training step takes: inputs and targets.', ports([...training, ...model.targets]), [
        `${id}Inputs`,
      ]),
      face('Metrics', 'Loss and metrics, means over a batch.', scalarProperties(evaluated)),
      face(
        'Step',
        'What a training step tells.',
        scalarProperties(scalars('step').filter((name) => !evaluated.includes(name))),
        [`${id}Metrics`],
      ),
      face(
        'TrainOptions',
        'How to open it for training.',
        dimProperties(model, new Set(defaultDims(model, train, true).map(([name]) => name))),
        ['OpenTrainerOptions'],
      ),
    )
  }
  return statements
}

/**
 * Inputs by who reads them: a run; a run that gives exposed values, and it alone; training, and it alone. A loss or an exposed
 * value may read what outputs do not.
 */
export function inputsOf({ model, variants }: Pick<ModuleInput, 'model' | 'variants'>) {
  const { program, exposing } = variants[0]!
  const readBy = (of: CompiledProgram | undefined) => new Set(of?.entries.find(({ name }) => name === 'infer')?.inputs)
  const [plain, more] = [readBy(program), readBy(exposing)]
  const known = new Set(program.tensors.filter(({ role }) => role === 'input').map(({ name }) => name))
  const others = model.inputs.filter(({ name }) => !plain.has(name))
  return {
    run: model.inputs.filter(({ name }) => plain.has(name)),
    exposing: others.filter(({ name }) => more.has(name)),
    training: others.filter(({ name }) => known.has(name)),
  }
}

/** Dims that have a value when none is given. */
export function defaultDims(
  model: ModelGraph,
  train: ModuleInput['train'],
  training = false,
): (readonly [string, number])[] {
  return model.dims.flatMap((name): (readonly [string, number])[] => {
    const value = name === 'batch' ? (training ? train?.batch : 1) : train?.dims.get(name)
    return value === undefined ? [] : [[name, value]]
  })
}

/** Dims that training must be given: neither the block nor the batch says them. */
export function requiredDims(model: ModelGraph, train: ModuleInput['train']): string[] {
  const known = new Set(defaultDims(model, train, true).map(([name]) => name))
  return model.dims.filter((name) => !known.has(name) && !optionNames.includes(name))
}

export const hasRequiredDims = (model: ModelGraph, train: ModuleInput['train'], training: boolean): boolean =>
  defaultDims(model, train, training).length < model.dims.filter((name) => !optionNames.includes(name)).length

function dimProperties(model: ModelGraph, defaults: ReadonlySet<string>): OptionalKind<PropertySignatureStructure>[] {
  return model.dims
    .filter((name) => !optionNames.includes(name))
    .map((name) => ({
      name: propertyName(name),
      type: defaults.has(name) ? 'number | undefined' : 'number',
      isReadonly: true,
      hasQuestionToken: defaults.has(name),
    }))
}

/** A port without its axis of positions. */
function atOnePosition({ name, node, documentation }: Port): Port {
  return { name, node: { shape: node.shape.toSpliced(1, 1), dtype: node.dtype }, documentation }
}

function ports(list: readonly Port[]): OptionalKind<PropertySignatureStructure>[] {
  return list.map(({ name, node, documentation }) => {
    const shape = commentText(`\`${node.dtype}${node.shape.length === 0 ? '' : printDims(node.shape)}\``)
    return {
      name: propertyName(name),
      type: arrays[node.dtype],
      isReadonly: true,
      docs: [documentation ? `${commentText(documentation)}\n${shape}` : shape],
    }
  })
}

const docsOf = (text: string | undefined) => (text ? { docs: [commentText(text)] } : {})
