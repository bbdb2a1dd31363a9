/** A `train` block → a training loop that a person may edit: epochs, schedule, validation, checkpoints, an end on request. */
import type { SourceFileStructure } from 'ts-morph'
import type { ScheduleDescription } from '../../../runtime/abi.ts'
import { matchesPattern } from '../../path-pattern.ts'
import type { TrainDescription } from '../../program.ts'
import type { EmitModuleOptions, ModuleInput } from './input.ts'
import { kind } from './kinds.ts'
import { numberLiteral, propertyName, stringLiteral, valueLiteral } from './literals.ts'
import { requiredDims } from './types.ts'

export function trainingStructure(
  input: ModuleInput,
  train: TrainDescription,
  id: string,
  { runtime = 'dlm/runtime' }: EmitModuleOptions,
): SourceFileStructure {
  const monitor = train.monitor ?? { scalar: 'loss', mode: 'min' as const }
  const rates: readonly ScheduleDescription[] = [train.optimizer.rate, ...train.optimizer.overrides.map((o) => o.rate)]
  const optional = (name: string, value: number | undefined, comment: string) =>
    value === undefined ? [] : [`  /** ${comment} */`, `  ${name}: ${numberLiteral(value)},`]
  const averaged = train.averageLast !== undefined
  const patient = train.patience !== undefined
  // Where steps are between validations, only these are judged; else epochs are, without one by their training.
  const byEpoch = train.validateEvery === undefined
  const fresh = freshParameters(input, train)
  const notes = [
    ...(train.clipNorm === undefined ? [] : [`Gradients are clipped to a norm of ${train.clipNorm} inside the step.`]),
    ...(train.freeze.length > 0 ? ['Frozen parameters have no gradient in the plan.'] : []),
    ...(train.load ? ['The block loads weights: pass them as `weights`.'] : []),
    ...(averaged ? ['A run that comes to its end holds the mean of its last checkpoints.'] : []),
  ]
  const total =
    train.steps === undefined
      ? 'settings.epochs * train.length'
      : 'Math.min(settings.steps, settings.epochs * train.length)'
  const steps = [
    `${byEpoch ? 'train.length' : 'settings.validateEvery'}`,
    ...(train.checkpointEvery === undefined ? [] : ['settings.checkpointEvery']),
  ]
  const [gain, worst] =
    monitor.mode === 'min' ? ['best - value', 'POSITIVE_INFINITY'] : ['value - best', 'NEGATIVE_INFINITY']
  const settings = [
    'export const settings = {',
    `  batch: ${train.batch},`,
    `  epochs: ${train.epochs ?? 'Number.POSITIVE_INFINITY as number'},`,
    ...optional('steps', train.steps, 'The run ends at whichever of epochs and steps comes first.'),
    `  seed: ${train.seed},`,
    ...optional('validateEvery', train.validateEvery, 'Steps between validations; without it, one after each epoch.'),
    ...optional('patience', train.patience, 'Validations in a row that may be no better before the run ends.'),
    ...optional('minDelta', train.minDelta, 'By how much a better one must be better.'),
    ...optional('checkpointEvery', train.checkpointEvery, 'Steps between further checkpoints.'),
    ...optional('averageLast', train.averageLast, 'The run ends with the mean of so many checkpoints.'),
    ...(train.dims.size > 0 ? [`  dims: ${valueLiteral(Object.fromEntries(train.dims))},`] : []),
    '}',
    '',
    ...(fresh.length > 0
      ? [
          `/** Parameters that keep their first values. */`,
          `const fresh: readonly ${id}Parameter[] = ${valueLiteral(fresh)}`,
          '',
        ]
      : []),
    '/** The learning rate of a step, counted from 1, for each group of parameters. */',
    `const rates = [${rates.map((r) => `schedule(${valueLiteral(r)})`).join(', ')}]`,
  ]
  const free = requiredDims(input.model, train)
  const dims = `${train.dims.size > 0 ? ', ...settings.dims' : ''}${free.length > 0 ? ', ...options.dims' : ''}`
  return {
    kind: kind.SourceFile,
    statements: [
      `// Trains ${id} as its \`train\` block says. This file is yours to edit: it is not written again while it is there.`,
      {
        kind: kind.ImportDeclaration,
        moduleSpecifier: runtime,
        namedImports: [
          ...(averaged ? [{ name: 'averageCheckpoints' }] : []),
          ...(byEpoch ? [{ name: 'meanOfSteps' }] : []),
          { name: 'schedule' },
          { name: 'Device', isTypeOnly: true },
          { name: 'TrainStep', isTypeOnly: true },
          ...(train.load ? [{ name: 'WeightsSource', isTypeOnly: true }] : []),
        ],
      },
      {
        kind: kind.ImportDeclaration,
        moduleSpecifier: `./${input.stem}.js`,
        namedImports: [
          { name: id },
          ...['Examples', 'Metrics', ...(fresh.length > 0 ? ['Parameter'] : []), 'Step', 'Trainer'].map((suffix) => ({
            name: `${id}${suffix}`,
            isTypeOnly: true,
          })),
        ],
      },
      `\n${settings.join('\n')}`,
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
          { name: 'device', type: 'Device | undefined', isReadonly: true, hasQuestionToken: true },
          {
            name: 'signal',
            type: 'AbortSignal | undefined',
            isReadonly: true,
            hasQuestionToken: true,
            docs: ['Ends the run after the step or the validation in progress, and a last checkpoint.'],
          },
          ...(train.load
            ? [{ name: 'weights', type: 'WeightsSource | undefined', isReadonly: true, hasQuestionToken: true }]
            : []),
          {
            name: 'resume',
            type: `Uint8Array${averaged ? ' | readonly Uint8Array[]' : ''} | undefined`,
            isReadonly: true,
            hasQuestionToken: true,
            docs: [
              `A checkpoint that \`onCheckpoint\` gave${averaged ? ', or the last ones, the newest first' : ''}: the run goes on from there, to the same end.`,
            ],
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
            docs: [
              `After each ${byEpoch ? 'epoch' : `validation`}${train.checkpointEvery === undefined ? '' : ', every so many steps'}, and at the end.`,
            ],
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
        statements: [
          [
            `const { device, signal, onStep, onCheckpoint${train.load ? ', weights' : ''} } = options`,
            `const trainer = await ${id}.train({`,
            '  batch: settings.batch,',
            ...(dims === '' ? [] : [`  ${dims.slice(2)},`]),
            '  seed: settings.seed,',
            '  rate: (step, group) => rates[group]!(step),',
            '  validation: data.validation,',
            '  device,',
            '})',
            `const train = trainer.batches(data.train, { shuffle: ${stringLiteral(`${train.data ?? ''}.train`)} })`,
            'const validation = data.validation && trainer.batches(data.validation)',
            `const total = ${total}`,
            `let best = Number.${worst}`,
            ...(patient ? ['let stale = 0'] : []),
            ...(byEpoch ? [`let means = meanOfSteps<${id}Step>()`] : []),
            ...(averaged ? ['let recent: readonly Uint8Array[] = options.resume ? [options.resume].flat() : []'] : []),
            ...(train.load
              ? [
                  `if (weights !== undefined) await trainer.load(weights${fresh.length === 0 ? '' : ', { except: (path) => fresh.includes(path) }'})`,
                ]
              : []),
            `const resume = ${averaged ? 'recent[0]' : 'options.resume'}`,
            'if (resume) {',
            '  const saved = await trainer.load(resume)',
            "  best = Number(saved.get('best') ?? best)",
            ...(patient ? ["  stale = Number(saved.get('stale') ?? stale)"] : []),
            ...(averaged
              ? [
                  '  // What an interruption left is no part of the mean.',
                  "  if (saved.get('interrupted') === 'true') recent = recent.slice(1)",
                ]
              : []),
            '}',
            '',
            'while (trainer.steps < total && !signal?.aborted) {',
            `  const steps = Math.min(${steps.map((every) => `${every} - (trainer.steps % ${every})`).join(', ')}, total - trainer.steps)`,
            '  for await (const step of trainer.fit(train.after(trainer.steps), { steps, signal })) {',
            '    onStep?.(step, total)',
            ...(byEpoch ? ['    means.add(step)'] : []),
            '  }',
            `  let metrics: ${id}Metrics | undefined`,
            '  let isBest = false',
            `  if (!signal?.aborted${train.checkpointEvery === undefined ? '' : ` && (trainer.steps % ${steps[0]} === 0 || trainer.steps === total)`}) {`,
            `    metrics = ${byEpoch ? 'validation ? await trainer.validate(validation) : means.value' : 'validation && (await trainer.validate(validation))'}`,
            `    const value = metrics?.[${stringLiteral(monitor.scalar)}] ?? Number.NaN`,
            `    isBest = ${gain} > ${train.minDelta === undefined ? '0' : 'settings.minDelta'}`,
            '    if (isBest) best = value',
            ...(patient ? ['    if (Number.isFinite(value)) stale = isBest ? 0 : stale + 1'] : []),
            ...(byEpoch ? ['    means = meanOfSteps()'] : []),
            '  }',
            `  const bytes = await trainer.save(undefined, { best: String(best)${patient ? ', stale: String(stale)' : ''}${averaged ? ', interrupted: String(signal?.aborted ?? false)' : ''} })`,
            ...(averaged ? ['  recent = [bytes, ...recent].slice(0, settings.averageLast)'] : []),
            '  await onCheckpoint?.({ step: trainer.steps, metrics, best: isBest, bytes })',
            ...(patient ? ['  if (stale >= settings.patience) break'] : []),
            '}',
            ...(averaged
              ? ['if (!signal?.aborted && recent.length > 1) await trainer.load(averageCheckpoints(recent))']
              : []),
            'return trainer',
          ].join('\n'),
        ],
      },
    ],
  }
}

/** Parameters that keep their first values when the block loads weights. */
function freshParameters({ model }: ModuleInput, { load }: TrainDescription): string[] {
  const paths = [...model.parameters, ...model.states].map(({ path }) => path)
  return paths.filter((path) => load?.except.some((pattern) => matchesPattern(pattern, path)))
}
