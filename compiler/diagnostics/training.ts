/** DLM06xx: train blocks and their settings. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'
import type { Fix } from './diagnostic.ts'

const quoted = (names: readonly string[]): string =>
  names
    .slice(0, 16)
    .map((n) => `\`${n}\``)
    .join(', ') + (names.length > 16 ? ` and ${names.length - 16} more` : '')
const there = (known: readonly string[], what = 'there'): string[] =>
  known.length > 0 ? [`${what} ${known.length === 1 ? 'is' : 'are'} ${quoted(known)}`] : []
function meant(suggestion: string | undefined, span: Span): { help?: Fix } {
  return suggestion === undefined
    ? {}
    : { help: { text: `did you mean \`${suggestion}\`?`, edit: { span, replacement: suggestion } } }
}

const model =
  'model Line {\n  input x: float[batch, 1]\n  target y: float[batch, 1]\n  output guess = x |> Linear(1)\n  loss mse(guess, y)\n}\ndata Points {\n  train {\n    x = csv("points.csv", columns: ["x"]) |> reshape([1])\n    y = csv("points.csv", columns: ["y"]) |> reshape([1])\n  }\n}\n'
const block = (...settings: readonly string[]): string =>
  `${model}train {\n  model: Line\n  data: Points\n${settings.map((s) => `  ${s}\n`).join('')}}`
const right = block('optimizer: sgd(lr: 0.1)', 'batch: 8', 'epochs: 5')

interface Unknown {
  readonly span: Span
  readonly name: string
  readonly known: readonly string[]
  readonly suggestion: string | undefined
}

export const unknownSetting: DiagnosticRow<Unknown> = {
  code: 'DLM0601',
  severity: 'error',
  title: 'a setting of a train block is unknown',
  explanation:
    'A train block says everything that a training run is, and nothing it does not know is passed over in silence: a misspelt setting would otherwise train another model than was meant.',
  wrong: block('optimizer: sgd(lr: 0.1)', 'bacth: 8', 'epochs: 5'),
  right,
  say: ({ span, name, known, suggestion }) => ({
    message: `there is no setting \`${name}\``,
    primary: { span, text: 'unknown setting' },
    notes: suggestion === undefined ? there(known) : [],
    ...meant(suggestion, span),
  }),
}

export const settingValue: DiagnosticRow<{ span: Span; what: string; expects: string; given: string }> = {
  code: 'DLM0602',
  severity: 'error',
  title: 'a setting has a value that it cannot take',
  explanation:
    'Settings of data and training are checked while compiling, type and range: a batch is a whole number of at least 1, a fraction lies between 0 and 1.',
  wrong: block('optimizer: sgd(lr: 0.1)', 'batch: 0', 'epochs: 5'),
  right,
  say: ({ span, what, expects, given }) => ({
    message: `${what} takes ${expects}`,
    primary: { span, text: `this is ${given}` },
    help: { text: `write ${expects}` },
  }),
}

export const settingTwice: DiagnosticRow<{ span: Span; name: string; first: Span }> = {
  code: 'DLM0603',
  severity: 'error',
  title: 'a setting is given twice',
  explanation:
    'Each setting stands once in a train block; settings that take several values take them in one place, with commas.',
  wrong: block('optimizer: sgd(lr: 0.1)', 'epochs: 5', 'epochs: 6'),
  right,
  say: ({ span, name, first }) => ({
    message: `the setting \`${name}\` is given twice`,
    primary: { span, text: 'given again' },
    secondary: [{ span: first, text: 'first given here' }],
    help: { text: 'remove one of them' },
  }),
}

export const settingMissing: DiagnosticRow<{ span: Span; name: string; example: string }> = {
  code: 'DLM0604',
  severity: 'error',
  title: 'a train block lacks a setting that has no default',
  explanation:
    'A training run needs a model, an optimizer and a length: `epochs` counts passes over the data, `steps` counts batches; with both, the run ends at whichever comes first.',
  wrong: block('optimizer: sgd(lr: 0.1)', 'batch: 8'),
  right,
  say: ({ span, name, example }) => ({
    message: `this train block does not say \`${name}\``,
    primary: { span, text: `no \`${name}\`` },
    help: { text: `add a line such as \`${example}\`` },
  }),
}

export const unknownModel: DiagnosticRow<Unknown> = {
  code: 'DLM0605',
  severity: 'error',
  title: 'a train block names a model that does not exist',
  explanation:
    '`model:` names a model of this file or of one that it imports, with its hyperparameters where it has some: `model: Transformer(dim: 512)`.',
  wrong: right.replace('model: Line', 'model: Lime'),
  right,
  say: ({ span, name, known, suggestion }) => ({
    message: `there is no model \`${name}\``,
    primary: { span, text: 'unknown model' },
    notes: suggestion === undefined ? there(known) : [],
    ...meant(suggestion, span),
  }),
}

export const unknownData: DiagnosticRow<Unknown> = {
  code: 'DLM0606',
  severity: 'error',
  title: 'a train block names data that does not exist',
  explanation: '`data:` names a data block of this file.',
  wrong: right.replace('data: Points', 'data: Point'),
  right,
  say: ({ span, name, known, suggestion }) => ({
    message: `there is no data block \`${name}\``,
    primary: { span, text: 'unknown data' },
    notes: suggestion === undefined ? there(known) : [],
    ...meant(suggestion, span),
  }),
}

export const notAnOptimizer: DiagnosticRow<{
  span: Span
  given: string
  known: readonly string[]
  suggestion: string | undefined
}> = {
  code: 'DLM0607',
  severity: 'error',
  title: 'a train block names no optimizer',
  explanation:
    'An optimizer is a module whose `forward(param: float[N], grad: float[N], rate: float[], step: float[])` gives the new parameters, and whose states are its moments: `sgd`, `adam` and `adamw` of the standard library, or one of your own.',
  wrong: right.replace('sgd(', 'sdg('),
  right,
  say: ({ span, given, known, suggestion }) => ({
    message: `${given} is not an optimizer`,
    primary: { span, text: 'not an optimizer' },
    notes: suggestion === undefined ? there(known) : [],
    ...(suggestion === undefined ? { help: { text: 'write one such as `adam(lr: 1e-3)`' } } : meant(suggestion, span)),
  }),
}

export const rateMissing: DiagnosticRow<{ span: Span; name: string }> = {
  code: 'DLM0608',
  severity: 'error',
  title: 'an optimizer has no learning rate',
  explanation:
    'Every optimizer takes its learning rate as `lr:`, a number or a schedule: `constant`, `linear`, `cosine`, `warmup` or `noam`.',
  wrong: right.replace('sgd(lr: 0.1)', 'sgd(momentum: 0.9)'),
  right,
  say: ({ span, name }) => ({
    message: `\`${name}\` has no learning rate`,
    primary: { span, text: 'no `lr`' },
    help: { text: `add one, for example \`${name}(lr: 1e-3)\`` },
  }),
}

export const unknownSchedule: DiagnosticRow<Unknown> = {
  code: 'DLM0609',
  severity: 'error',
  title: 'a schedule of the learning rate is unknown',
  explanation:
    'A learning rate is a number or a schedule: `constant(rate)`, `linear(from, to, steps)`, `cosine(peak, steps, floor, warmup)`, `warmup(schedule, steps)`, `noam(dim, warmup, factor)`. Steps count from 1.',
  wrong: right.replace('lr: 0.1', 'lr: cosin(0.1, steps: 100)'),
  right: right.replace('lr: 0.1', 'lr: cosine(0.1, steps: 100)'),
  say: ({ span, name, known, suggestion }) => ({
    message: `there is no schedule \`${name}\``,
    primary: { span, text: 'unknown schedule' },
    notes: suggestion === undefined ? there(known) : [],
    ...meant(suggestion, span),
  }),
}

export const misplacedPart: DiagnosticRow<{ span: Span; name: string; what: string; only: string }> = {
  code: 'DLM0610',
  severity: 'error',
  title: 'a setting is followed by something that it does not take',
  explanation:
    'Only `freeze` and `record` take several values, only `load` takes `except`, and only `optimizer` takes braces with patterns and their learning rates.',
  wrong: block('optimizer: sgd(lr: 0.1)', 'epochs: 5, 6'),
  right,
  say: ({ span, name, what, only }) => ({
    message: `\`${name}\` takes no ${what}`,
    primary: { span, text: 'does not belong here' },
    help: { text: `remove it; only ${only}` },
  }),
}

export const unknownChange: DiagnosticRow<Unknown> = {
  code: 'DLM0611',
  severity: 'error',
  title: 'an override changes what cannot be changed for a part of the parameters',
  explanation:
    'The braces after an optimizer give some parameters another learning rate: `{ "head.*": lr 1e-2 }`. Its other settings hold for all.',
  wrong: right.replace('sgd(lr: 0.1)', 'sgd(lr: 0.1) { "linear_1.*": momentum 0.5 }'),
  right: right.replace('sgd(lr: 0.1)', 'sgd(lr: 0.1) { "linear_1.bias": lr 0.01 }'),
  say: ({ span, name, known, suggestion }) => ({
    message: `\`${name}\` cannot differ between parameters`,
    primary: { span, text: 'cannot be overridden' },
    notes: there(known, 'what can'),
    ...meant(suggestion, span),
  }),
}

export const patternUnused: DiagnosticRow<{ span: Span; setting: string; pattern: string; known: readonly string[] }> =
  {
    code: 'DLM0612',
    severity: 'error',
    title: 'a pattern matches no parameter',
    explanation:
      "Patterns of `freeze` and of an optimizer's braces are matched against the paths of the parameters: `*` stands for any run of characters, `[0..2]` for the indices 0 and 1.",
    wrong: right.replace('epochs: 5', 'epochs: 5\n  freeze: "stem.*"'),
    right: right.replace('epochs: 5', 'epochs: 5\n  freeze: "linear_1.bias"'),
    say: ({ span, setting, pattern, known }) => ({
      message: `no parameter matches ${JSON.stringify(pattern)}`,
      primary: { span, text: `\`${setting}\` touches nothing` },
      notes: there(known, 'the parameters'),
      help: { text: 'correct the pattern; `dlmc inspect` lists the paths' },
    }),
  }

export const noLoss: DiagnosticRow<{ span: Span; name: string; declared: Span | undefined }> = {
  code: 'DLM0613',
  severity: 'error',
  title: 'a model without a loss cannot be trained',
  explanation:
    'Training makes the loss smaller, so the model must say what it is: `loss cross_entropy(logits, label)`.',
  wrong: right.replace('  loss mse(guess, y)\n', ''),
  right,
  say: ({ span, name, declared }) => ({
    message: `the model \`${name}\` has no loss, so it cannot be trained`,
    primary: { span, text: 'trained here' },
    secondary: declared ? [{ span: declared, text: 'no `loss` in it' }] : [],
    help: { text: 'add a line such as `loss mse(prediction, target)` to the model' },
  }),
}

export const noTrainPartition: DiagnosticRow<{
  span: Span
  name: string
  known: readonly string[]
  declared: Span | undefined
}> = {
  code: 'DLM0614',
  severity: 'error',
  title: 'the data has no partition to train on',
  explanation: 'Training draws its batches from the partition `train`; `validation` and `test` are only evaluated.',
  wrong: right.replace('  train {\n    x', '  training {\n    x'),
  right,
  say: ({ span, name, known, declared }) => ({
    message: `the data \`${name}\` has no partition \`train\``,
    primary: { span, text: 'trained on here' },
    secondary: declared ? [{ span: declared, text: `it has ${quoted(known) || 'none'}` }] : [],
    help: { text: 'name the partition to train on `train`' },
  }),
}

export const monitorUnknown: DiagnosticRow<Unknown> = {
  code: 'DLM0615',
  severity: 'error',
  title: 'a train block watches a value that the model does not have',
  explanation:
    '`monitor` decides which checkpoint is the best: `min("loss")`, or the loss term or metric of the model that it names, `max("accuracy")`.',
  wrong: right.replace('epochs: 5', 'epochs: 5\n  monitor: max("acuracy")'),
  right: right.replace('epochs: 5', 'epochs: 5\n  monitor: min("loss")'),
  say: ({ span, name, known, suggestion }) => ({
    message: `the model has no metric ${JSON.stringify(name)} to watch`,
    primary: { span, text: 'unknown metric' },
    notes: there(known),
    ...(suggestion === undefined ? {} : { help: { text: `did you mean ${JSON.stringify(suggestion)}?` } }),
  }),
}

/** Asked for a loss, or to train, of a model that states none. */
export const modelHasNoLoss: DiagnosticRow<{ model: string; span: Span }> = {
  code: 'DLM0690',
  severity: 'error',
  title: 'the model has no loss',
  explanation: 'Training, evaluation and gradients need a scalar to make small. A model states it with `loss`.',
  wrong: 'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear(2)\n}',
  right:
    'model M {\n  input  x: float[batch, 4]\n  target t: float[batch, 2]\n  output y = x |> Linear(2)\n  loss   mse(y, t)\n}',
  say: ({ model, span }) => ({
    message: `the model ${model} has no loss`,
    primary: { span, text: 'nothing here says what training makes small' },
    help: { text: 'add a line such as `loss cross_entropy(logits, label)`' },
  }),
}
