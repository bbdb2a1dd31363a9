/** A `train` block → a training loop that a person may edit: epochs, schedule, validation, checkpoints, an end on request. */
import type { SourceFileStructure } from 'ts-morph'
import type { ScheduleDescription } from '../../../runtime/abi.ts'
import type { TrainDescription } from '../../program.ts'
import type { EmitModuleOptions, ModuleInput } from './input.ts'
import { numberLiteral, propertyName, stringLiteral, valueLiteral } from './literals.ts'
import type { Morph } from './module.ts'
import { requiredDims } from './types.ts'

export function trainingStructure(
  input: ModuleInput,
  train: TrainDescription,
  id: string,
  morph: Morph,
  { runtime = 'dlm/runtime' }: EmitModuleOptions,
): SourceFileStructure {
  const { StructureKind: kind } = morph
  const monitor = train.monitor ?? { scalar: 'loss', mode: 'min' as const }
  const rates: readonly ScheduleDescription[] = [train.optimizer.rate, ...train.optimizer.overrides.map((o) => o.rate)]
  const optional = (name: string, value: number | undefined, comment: string) =>
    value === undefined ? [] : [`  /** ${comment} */`, `  ${name}: ${numberLiteral(value)},`]
  const settings = [
    'export const settings = {',
    `  batch: ${train.batch},`,
    `  epochs: ${train.epochs ?? 'Number.POSITIVE_INFINITY as number'},`,
    ...optional('steps', train.steps, 'The run ends at whichever of epochs and steps comes first.'),
    `  seed: ${train.seed},`,
    ...optional('validateEvery', train.validateEvery, 'Steps between validations; without it, one after each epoch.'),
    ...optional('patience', train.patience, 'Validations in a row that may be no better before the run ends.'),
    ...optional('minDelta', train.minDelta, 'By how much a better one must be better.'),
    ...(train.dims.size > 0 ? [`  dims: ${valueLiteral(Object.fromEntries(train.dims))},`] : []),
    '}',
    '',
    '/** The learning rate of a step, counted from 1, for each group of parameters. */',
    `const rates = [${rates.map((r) => `schedule(${valueLiteral(r)})`).join(', ')}]`,
  ]
  const notes = [
    ...(train.clipNorm === undefined ? [] : [`Gradients are clipped to a norm of ${train.clipNorm} inside the step.`]),
    ...(train.freeze.length > 0 ? ['Frozen parameters have no gradient in the plan.'] : []),
    ...(train.load ? ['The block loads weights: pass them as `weights`.'] : []),
    ...(train.averageLast ? ['Only `dlmc train` averages the last checkpoints.'] : []),
  ]
  const total =
    train.steps === undefined
      ? 'settings.epochs * train.length'
      : 'Math.min(settings.steps, settings.epochs * train.length)'
  const every = train.validateEvery === undefined ? 'train.length' : 'settings.validateEvery'
  const [sign, worst] = monitor.mode === 'min' ? ['<', 'POSITIVE_INFINITY'] : ['>', 'NEGATIVE_INFINITY']
  const better =
    train.minDelta === undefined
      ? `value ${sign} best`
      : `value ${sign} best ${monitor.mode === 'min' ? '-' : '+'} settings.minDelta`
  const free = requiredDims(input.model, train)
  const dims = `${train.dims.size > 0 ? ', ...settings.dims' : ''}${free.length > 0 ? ', ...options.dims' : ''}`
  return {
    kind: kind.SourceFile,
    statements: [
      (w) =>
        w.writeLine(
          `// Trains ${id} as its \`train\` block says. This file is yours to edit: it is not written again while it is there.`,
        ),
      {
        kind: kind.ImportDeclaration,
        moduleSpecifier: runtime,
        namedImports: [
          { name: 'schedule' },
          { name: 'GpuDevice', isTypeOnly: true },
          { name: 'TrainStep', isTypeOnly: true },
          ...(train.load ? [{ name: 'WeightsSource', isTypeOnly: true }] : []),
        ],
      },
      {
        kind: kind.ImportDeclaration,
        moduleSpecifier: `./${input.stem}.js`,
        namedImports: [
          { name: id },
          ...['Examples', 'Metrics', 'Step', 'Trainer'].map((suffix) => ({ name: `${id}${suffix}`, isTypeOnly: true })),
        ],
      },
      (w) => w.blankLine().write(settings.join('\n')).newLine(),
      {
        kind: kind.Interface,
        name: 'TrainingData',
        isExported: true,
        docs: ['All examples of each part, one typed array per input and target.'],
        properties: [
          { name: 'train', type: `${id}Examples`, isReadonly: true },
          { name: 'validation', type: `${id}Examples | undefined`, isReadonly: true, hasQuestionToken: true },
        ],
      },
      {
        kind: kind.Interface,
        name: 'TrainingOptions',
        isExported: true,
        properties: [
          ...(free.length === 0
            ? []
            : [
                {
                  name: 'dims',
                  type: `{ ${free.map((name) => `readonly ${propertyName(name)}: number`).join('; ')} }`,
                  isReadonly: true,
                  docs: ['Sizes that the block leaves to the data.'],
                },
              ]),
          { name: 'device', type: 'GpuDevice | undefined', isReadonly: true, hasQuestionToken: true },
          {
            name: 'signal',
            type: 'AbortSignal | undefined',
            isReadonly: true,
            hasQuestionToken: true,
            docs: ['Ends the run after the step in progress.'],
          },
          ...(train.load
            ? [{ name: 'weights', type: 'WeightsSource | undefined', isReadonly: true, hasQuestionToken: true }]
            : []),
          {
            name: 'resume',
            type: 'Uint8Array | undefined',
            isReadonly: true,
            hasQuestionToken: true,
            docs: ['A checkpoint that `onCheckpoint` gave.'],
          },
          {
            name: 'onStep',
            type: `((step: TrainStep<${id}Step>, total: number) => void) | undefined`,
            isReadonly: true,
            hasQuestionToken: true,
          },
          {
            name: 'onCheckpoint',
            type: `((checkpoint: { step: number; metrics: ${id}Metrics | undefined; best: boolean; bytes: Uint8Array }) => void | Promise<void>) | undefined`,
            isReadonly: true,
            hasQuestionToken: true,
            docs: ['After each validation, or each epoch where there is nothing to validate on.'],
          },
        ],
      },
      {
        kind: kind.Function,
        name: `train${id}`,
        isExported: true,
        isAsync: true,
        docs: [
          [
            'Trains from fresh parameters; the trainer that comes back can be saved, evaluated, or trained further.',
            ...notes,
          ].join('\n'),
        ],
        parameters: [
          { name: 'data', type: 'TrainingData' },
          { name: 'options', type: 'TrainingOptions', ...(free.length === 0 && { initializer: '{}' }) },
        ],
        returnType: `Promise<${id}Trainer>`,
        statements: (w) =>
          w.write(
            [
              'const { device, signal, onStep, onCheckpoint } = options',
              `const trainer = await ${id}.train({ batch: settings.batch${dims}, seed: settings.seed, rate: (step, group) => rates[group]!(step), device })`,
              'const train = trainer.batches(data.train, { shuffle: true })',
              'const validation = data.validation && trainer.batches(data.validation)',
              ...(train.load ? ['if (options.weights !== undefined) await trainer.load(options.weights)'] : []),
              'if (options.resume) await trainer.load(options.resume)',
              '',
              `const total = ${total}`,
              'const batches = again(train)',
              `let best = Number.${worst}`,
              ...(train.patience === undefined ? [] : ['let stale = 0']),
              'while (trainer.steps < total && !signal?.aborted) {',
              `  const count = Math.min(${every}, total - trainer.steps)`,
              `  let metrics: ${id}Metrics | undefined`,
              '  for await (const step of trainer.fit(take(batches, count), { signal })) {',
              '    onStep?.(step, total)',
              '    metrics = step.metrics',
              '  }',
              '  if (signal?.aborted) break',
              '  if (validation) metrics = await trainer.validate(validation, { signal })',
              `  const value = metrics?.[${stringLiteral(monitor.scalar)}] ?? Number.NaN`,
              `  const isBest = ${better}`,
              '  if (isBest) best = value',
              ...(train.patience === undefined ? [] : ['  stale = isBest ? 0 : stale + 1']),
              '  await onCheckpoint?.({ step: trainer.steps, metrics, best: isBest, bytes: await trainer.save() })',
              ...(train.patience === undefined ? [] : ['  if (stale >= settings.patience) break']),
              '}',
              'return trainer',
            ].join('\n'),
          ),
      },
      (w) =>
        w
          .blankLine()
          .write(
            [
              '/** The batches of epoch after epoch. */',
              'function* again<T>(batches: Iterable<T>): Generator<T> {',
              '  while (true) yield* batches',
              '}',
              '',
              '/** The next so many; the iterator goes on from there. */',
              'function* take<T>(iterator: Iterator<T>, count: number): Generator<T> {',
              '  for (let i = 0; i < count; i++) {',
              '    const next = iterator.next()',
              '    if (next.done) return',
              '    yield next.value',
              '  }',
              '}',
              '',
            ].join('\n'),
          ),
    ],
  }
}
