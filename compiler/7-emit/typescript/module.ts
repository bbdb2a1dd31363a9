/** A model → its module: types by name, the plan and the kernels as constants, and `open` and `train` over the runtime. */
import type { SourceFileStructure, StatementStructures } from 'ts-morph'
import type { SequenceSpec } from '../../../runtime/model-spec.ts'
import { thousands } from '../../diagnostics/thousands.ts'
import type { EmitModuleOptions, ModuleInput, SequencesInput } from './input.ts'
import { declaration, kind } from './kinds.ts'
import { commentText, stringLiteral, templateLiteral, valueLiteral } from './literals.ts'
import { planText } from './plan-text.ts'
import { defaultDims, hasRequiredDims, inputsOf, typeStatements } from './types.ts'

/** Names that modules import; a model of such a name is called differently there. */
export const importedNames = [
  'Binding',
  'CompiledProgram',
  'Model',
  'ModelSpec',
  'OpenModelOptions',
  'OpenTrainerOptions',
  'SequenceModel',
  'Size',
  'TokenModel',
  'Trainer',
  'openModel',
  'openSequenceModel',
  'openTokenModel',
  'openTrainer',
  'wasmDevice',
  'read',
  'write',
  'source',
  'spec',
]

export function moduleStructure(
  input: ModuleInput,
  id: string,
  { runtime = 'dlm/runtime' }: EmitModuleOptions,
): { readonly structure: SourceFileStructure; readonly plan: string } {
  const { model, train, variants, origin, sequences } = input
  const { program } = variants[0]!
  const trained = program.entries.some((e) => e.name === 'step')
  const exposes = variants[0]!.exposing !== undefined
  const wasm = variants.some((v) => v.target === 'wasm')
  const plans = planText(
    variants.flatMap((v) => [
      { name: variantName(v.name), program: v.program },
      ...(v.exposing ? [{ name: `${variantName(v.name)}_exposing`, program: v.exposing }] : []),
      ...(v.stepping ? [{ name: `${variantName(v.name)}_stepping`, program: v.stepping }] : []),
    ]),
  )

  const kindOf = sequences ? (sequences.tokens ? 'TokenModel' : 'SequenceModel') : 'Model'
  const modelType = (outputs: string, inputs = `${id}Inputs`) =>
    `${kindOf}<${inputs}, ${outputs}, ${id}Parameter${sequences ? `, ${id}Source, ${id}Next, ${id}Now` : ''}>`
  const opening = (outputs: string) => `open${modelType(outputs)}`

  const imports = [
    ...[
      'Binding',
      'CompiledProgram',
      ...(kindOf === 'Model' ? ['Model'] : []),
      'ModelSpec',
      'OpenModelOptions',
      ...(trained ? ['OpenTrainerOptions'] : []),
      ...(kindOf === 'SequenceModel' ? [kindOf] : []),
      'Size',
      ...(kindOf === 'TokenModel' ? [kindOf] : []),
      ...(trained ? ['Trainer'] : []),
    ].map((name) => ({ name, isTypeOnly: true })),
    { name: `open${kindOf}` },
    ...(trained ? [{ name: 'openTrainer' }] : []),
    ...(wasm ? [{ name: 'wasmDevice' }] : []),
  ]
  const openOptions = hasRequiredDims(model, train, false) ? `options: ${id}Options` : `options?: ${id}Options`
  const exposeOptions = `options: ${id}Options & { readonly expose: true }`
  const trainOptions = hasRequiredDims(model, train, true)
    ? `options: ${id}TrainOptions`
    : `options?: ${id}TrainOptions`
  const exposing = modelType(
    `${id}Outputs & ${id}Exposed`,
    inputsOf(input).exposing.length > 0 ? `${id}ExposingInputs` : undefined,
  )
  const openDocs = '/** Takes all device memory and compiles all kernels, for inference. */'
  const type = [
    '{',
    ...(exposes
      ? [
          `  /** The same with \`expose: true\`, giving the exposed values too. */\n  open(${exposeOptions}): Promise<${exposing}>`,
        ]
      : []),
    `  ${openDocs}\n  open(${openOptions}): Promise<${id}Model>`,
    ...(trained
      ? [
          `  /** For training: fresh parameters of a seed, the optimizer's moments, one step after another. */\n  train(${trainOptions}): Promise<${id}Trainer>`,
        ]
      : []),
    '}',
  ].join('\n')
  const value = [
    '{',
    exposes
      ? `  open: (options: ${id}Options = {} as ${id}Options) => ${opening(`${id}Outputs & ${id}Exposed`)}(spec, options),`
      : `  open: (options: ${id}Options = {} as ${id}Options) => ${opening(`${id}Outputs`)}(spec, options),`,
    ...(trained
      ? [
          `  train: (options: ${id}TrainOptions = {} as ${id}TrainOptions) => openTrainer<${id}Examples, ${id}Metrics, ${id}Step, ${id}Parameter>(spec, options),`,
        ]
      : []),
    '}',
  ].join('\n')
  const alias = (suffix: string, text: string, docs: string): StatementStructures => ({
    kind: kind.TypeAlias,
    name: `${id}${suffix}`,
    isExported: true,
    docs: [docs],
    type: text,
  })
  const constant = (
    name: string,
    type: string,
    initializer: string,
    more: { isExported?: boolean; docs?: string[] } = {},
  ): StatementStructures => ({
    kind: kind.VariableStatement,
    declarationKind: declaration.Const,
    declarations: [{ name, type, initializer }],
    ...more,
  })

  const size = program.parameters.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0)
  const about = [
    ...(model.documentation ? [commentText(model.documentation), ''] : []),
    `${thousands(size)} parameters.`,
  ].join('\n')
  const structure: SourceFileStructure = {
    kind: kind.SourceFile,
    statements: [
      { kind: kind.ImportDeclaration, moduleSpecifier: runtime, namedImports: imports },
      ...typeStatements(input, id),
      alias('Model', modelType(`${id}Outputs`), 'The opened model.'),
      ...(trained
        ? [
            alias(
              'Trainer',
              `Trainer<${id}Examples, ${id}Metrics, ${id}Step, ${id}Parameter>`,
              'The model in training.',
            ),
          ]
        : []),
      // Texts, for a structure of plain data can be printed by another thread.
      '\n// The plan: every size, kernel, buffer and dispatch. Written by the compiler; the kernels lie beside this file as .wgsl.\n\n',
      [
        "const read = (arena: number, offset: Size, bytes: Size): Binding => ({ arena, offset, bytes, access: 'read' })",
        "const write = (arena: number, offset: Size, bytes: Size): Binding => ({ arena, offset, bytes, access: 'write' })\n",
      ].join('\n'),
      // Put in after the rest was formatted: it is long, and formatted as it is.
      planPlace,
      constant(
        'spec',
        'ModelSpec',
        [
          '{',
          `  name: ${stringLiteral(model.name)},`,
          `  origin: ${originText(input)},`,
          '  variants: [',
          ...variants.map(
            (v) =>
              `    { target: ${stringLiteral(v.target)}, ${v.subgroup === undefined ? '' : `subgroup: ${v.subgroup}, `}program: ${variantName(v.name)}${v.exposing ? `, exposing: ${variantName(v.name)}_exposing` : ''}${v.stepping ? `, stepping: ${variantName(v.name)}_stepping` : ''} },`,
          ),
          '  ],',
          ...(wasm ? ['  wasm: wasmDevice,'] : []),
          `  dims: ${valueLiteral(defaultDims(model, train))},`,
          ...(sequences ? [`  sequences: ${valueLiteral(sequenceSpec(sequences))},`] : []),
          ...(trained && train
            ? [
                `  training: { seed: ${train.seed}, dims: ${valueLiteral(defaultDims(model, train, true))}, rates: ${valueLiteral([train.optimizer.rate, ...train.optimizer.overrides.map((o) => o.rate)])} },`,
              ]
            : []),
          '}',
        ].join('\n'),
      ),
      constant(id, type, value, { isExported: true, docs: [about] }),
    ],
  }
  const source = `/** The program that this module was compiled from; files of weights carry it. */\nconst source = ${templateLiteral(origin.text)}`
  return { structure, plan: [source, ...plans.constants].join('\n') }
}

/** What weights say of where they come from, under the keys that `dlmc` writes. */
const originText = ({ origin, train }: ModuleInput): string =>
  `[${[
    ['source', stringLiteral(origin.file)],
    ['source_hash', stringLiteral(origin.hash)],
    ['source_text', 'source'],
    ['compiler', stringLiteral(`dlm ${origin.compiler}`)],
    ...(train?.name === undefined ? [] : [['block', stringLiteral(train.name)]]),
  ]
    .map(([key, value]) => `['${key}', ${value}]`)
    .join(', ')}]`

const nameOf = ({ name }: { readonly name: string }): string => name

/** The names of the ports, as the runtime needs them. */
const sequenceSpec = ({ rows, context, streams, others, tokens }: SequencesInput): SequenceSpec => ({
  rows,
  context,
  streams: streams.map(nameOf),
  others: others.map(nameOf),
  ...(tokens && { tokens }),
})

export const planPlace = '// @plan'

const variantName = (name: string): string => `plan_${name}`
