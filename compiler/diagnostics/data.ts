/** DLM05xx: data blocks, and whether their fields fit the model. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'
import type { Fix } from './diagnostic.ts'

const quoted = (names: readonly string[]): string =>
  names
    .slice(0, 12)
    .map((n) => `\`${n}\``)
    .join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '')

/** `did you mean`, where a near name is known, else what there is. */
function meant(suggestion: string | undefined, span: Span): { help?: Fix } {
  return suggestion === undefined
    ? {}
    : { help: { text: `did you mean \`${suggestion}\`?`, edit: { span, replacement: suggestion } } }
}
const there = (known: readonly string[]): string[] =>
  known.length > 0 ? [`there ${known.length === 1 ? 'is' : 'are'} ${quoted(known)}`] : []

const digits =
  'data Digits {\n  train {\n    image = idx("images-idx3-ubyte") |> scale(1 / 255)\n    label = idx("labels-idx1-ubyte")\n  }\n}'
const model =
  'model Softmax {\n  input image: float[batch, 28, 28]\n  target label: int[batch]\n  output logits = image |> flatten |> Linear(10)\n  loss cross_entropy(logits, label)\n}\n'
const train = '\ntrain {\n  model: Softmax\n  data: Digits\n  optimizer: adam(lr: 1e-3)\n  epochs: 1\n}'

export const dataNameTwice: DiagnosticRow<{ span: Span; what: string; name: string; first: Span }> = {
  code: 'DLM0501',
  severity: 'error',
  title: 'a data block uses one name twice',
  explanation:
    'Partitions and bindings of a data block have different names, and so have the fields of one partition: a name must mean one thing.',
  wrong: 'data Digits {\n  train {\n    image = idx("a")\n    image = idx("b")\n  }\n}',
  right: digits,
  say: ({ span, what, name, first }) => ({
    message: `the ${what} \`${name}\` is defined twice`,
    primary: { span, text: 'defined again' },
    secondary: [{ span: first, text: 'first defined here' }],
    help: { text: 'give one of them another name' },
  }),
}

export const unknownSource: DiagnosticRow<{
  span: Span
  name: string
  known: readonly string[]
  suggestion: string | undefined
}> = {
  code: 'DLM0502',
  severity: 'error',
  title: 'a source of data is unknown',
  explanation:
    'A field starts with a source, which reads a file: `idx("path")` for the format of MNIST, `csv("path", columns: ["a", "b"])` for tables, `text("path")`, `lines("path")` and `jsonl("path", "field")` for text. Paths are relative to the .dlm file.',
  wrong: 'data Digits {\n  train {\n    image = idxx("images-idx3-ubyte")\n  }\n}',
  right: digits,
  say: ({ span, name, known, suggestion }) => ({
    message: `there is no source of data \`${name}\``,
    primary: { span, text: 'unknown source' },
    notes: there(known),
    ...meant(suggestion, span),
  }),
}

export const unknownStage: DiagnosticRow<{
  span: Span
  name: string
  known: readonly string[]
  suggestion: string | undefined
}> = {
  code: 'DLM0503',
  severity: 'error',
  title: 'a stage of a field is unknown',
  explanation:
    'What follows a source are stages that change each example: numbers by `scale`, `shift`, `normalize`, `reshape`, `one_hot`, text by `tokenize`, `pad`, `window` and others. Functions of the model are not among them: what the model does to its input belongs to the model.',
  wrong: 'data Digits {\n  train {\n    image = idx("images-idx3-ubyte") |> scael(1 / 255)\n  }\n}',
  right: digits,
  say: ({ span, name, known, suggestion }) => ({
    message: `there is no stage \`${name}\` for data`,
    primary: { span, text: 'unknown stage' },
    notes: there(known),
    ...meant(suggestion, span),
  }),
}

export const notASource: DiagnosticRow<{ span: Span; what: string; expected: string }> = {
  code: 'DLM0504',
  severity: 'error',
  title: 'a part of a data block is not what can stand there',
  explanation:
    'A field is a source and its stages, `idx("path") |> scale(1 / 255)`, or the name of a binding that is one. Outside the partitions stand `name = split(partition, fraction)` and such bindings.',
  wrong: 'data Digits {\n  train {\n    image = 3\n  }\n}',
  right: digits,
  say: ({ span, what, expected }) => ({
    message: `${what} must be ${expected}`,
    primary: { span, text: `not ${expected}` },
    help: { text: 'write a source with its stages, for example `idx("images-idx3-ubyte") |> scale(1 / 255)`' },
  }),
}

export const unknownPartition: DiagnosticRow<{
  span: Span
  name: string
  known: readonly string[]
  suggestion: string | undefined
}> = {
  code: 'DLM0505',
  severity: 'error',
  title: 'a split is cut from a partition that does not exist',
  explanation:
    '`split(train, 0.1)` takes a tenth of the examples out of `train`; the partition it names must have fields and stand in the same data block.',
  wrong: `${digits.slice(0, -1)}  validation = split(training, 0.1)\n}`,
  right: `${digits.slice(0, -1)}  validation = split(train, 0.1)\n}`,
  say: ({ span, name, known, suggestion }) => ({
    message: `there is no partition \`${name}\` to cut from`,
    primary: { span, text: 'unknown partition' },
    notes: there(known),
    ...meant(suggestion, span),
  }),
}

export const emptyData: DiagnosticRow<{ span: Span; what: string }> = {
  code: 'DLM0506',
  severity: 'error',
  title: 'a data block or a partition is empty',
  explanation: 'A data block needs a partition, and a partition a field for each input and target of the model.',
  wrong: 'data Digits {\n  train {\n  }\n}',
  right: digits,
  say: ({ span, what }) => ({
    message: `${what} is empty`,
    primary: { span, text: 'nothing in it' },
    help: { text: 'add a field, for example `image = idx("images-idx3-ubyte")`' },
  }),
}

export const splitTooLarge: DiagnosticRow<{ span: Span; from: string; total: number; others: readonly Span[] }> = {
  code: 'DLM0507',
  severity: 'error',
  title: 'splits take all examples of a partition',
  explanation: 'Each split takes its fraction of what the ones before it left; together they must leave something.',
  wrong: `${digits.slice(0, -1)}  validation = split(train, 0.5)\n  test = split(train, 0.5)\n}`,
  right: `${digits.slice(0, -1)}  validation = split(train, 0.1)\n  test = split(train, 0.1)\n}`,
  say: ({ span, from, total, others }) => ({
    message: `the splits of \`${from}\` take ${Number(total.toPrecision(6))} of it, and nothing is left`,
    primary: { span, text: 'too much' },
    secondary: others.map((s) => ({ span: s, text: 'also taken' })),
    help: { text: 'use fractions whose sum is less than 1' },
  }),
}

export const stageMisplaced: DiagnosticRow<{
  span: Span
  /** Absent: the end of the field is at fault. */
  stage: string | undefined
  given: string
  wanted: string
}> = {
  code: 'DLM0508',
  severity: 'error',
  title: 'a stage stands where it cannot work',
  explanation:
    'Text goes through its stages in one order: `lowercase`, then `tokenize(…)`, which makes tokens of it, then `begin`, `end` and `truncate`, which change how many there are, then `pad(length)` or `window(length)`, which make all examples of one length, then `mask` or the stages of numbers. `categories([…])` makes one number of each text.',
  wrong: 'data Names {\n  train {\n    name = lines("names.txt") |> pad(16)\n  }\n}',
  right: 'data Names {\n  train {\n    name = lines("names.txt") |> tokenize(chars(40)) |> pad(16)\n  }\n}',
  say: ({ span, stage, given, wanted }) =>
    stage === undefined
      ? {
          message: `the field ends as ${given}`,
          primary: { span, text: 'more stages are needed' },
          help: { text: `add ${wanted}` },
        }
      : {
          message: `\`${stage}\` takes ${wanted}, and here are ${given}`,
          primary: { span, text: 'cannot stand here' },
          help: {
            text: 'the order is text, `tokenize(…)`, `begin` or `end`, then `pad` or `window`, then what works on numbers',
          },
        },
}

export const fieldMissing: DiagnosticRow<{
  span: Span
  data: string
  partition: string
  name: string
  role: string
  port: Span
  known: readonly string[]
  suggestion: Span | undefined
}> = {
  code: 'DLM0511',
  severity: 'error',
  title: 'the data lacks a field that the model needs',
  explanation:
    'Batches are filled by name: each input and target of the model takes the field of the same name, and every partition of the data must have it.',
  wrong: `${model}${digits.replace('image =', 'picture =')}${train}`,
  right: `${model}${digits}${train}`,
  say: ({ span, data, partition, name, role, port, known, suggestion }) => ({
    message: `\`${partition}\` of \`${data}\` has no field \`${name}\``,
    primary: { span, text: `no \`${name}\` in it` },
    secondary: [{ span: port, text: `the model's ${role} \`${name}\`` }],
    notes: known.length > 0 ? [`it has ${quoted(known)}`] : [],
    help: suggestion
      ? { text: `rename the field to \`${name}\``, edit: { span: suggestion, replacement: name } }
      : { text: `add a field \`${name}\`, or rename the ${role}` },
  }),
}

export const fieldDtype: DiagnosticRow<{
  span: Span
  name: string
  has: string
  wanted: string
  port: Span
  role: string
}> = {
  code: 'DLM0512',
  severity: 'error',
  title: 'a field holds fractions where the model takes whole numbers',
  explanation:
    'Whole numbers can stand for floats, but not the other way round: an `int` input or target takes a field of whole numbers, before any scaling.',
  wrong: `${model}${digits.replace('labels-idx1-ubyte")', 'labels-idx1-ubyte") |> scale(1 / 2)')}${train}`,
  right: `${model}${digits}${train}`,
  say: ({ span, name, has, wanted, port, role }) => ({
    message: `the field \`${name}\` is ${has}, and the model's ${role} \`${name}\` ${wanted}`,
    primary: { span, text: `${has}, after its stages` },
    secondary: [{ span: port, text: `${wanted} here` }],
    help: { text: 'leave out the stage that makes fractions of it, or declare it float in the model' },
  }),
}

export const fieldShape: DiagnosticRow<{
  span: Span
  name: string
  has: string
  wanted: string
  port: Span
  role: string
}> = {
  code: 'DLM0513',
  severity: 'error',
  title: 'a field does not have the shape that the model takes',
  explanation:
    'The first dim of an input is the batch; the others are the shape of one example, and the field must give exactly that shape.',
  wrong: `${model}${digits.replace('scale(1 / 255)', 'scale(1 / 255) |> reshape([784])')}${train}`,
  right: `${model}${digits}${train}`,
  say: ({ span, name, has, wanted, port, role }) => ({
    message: `an example of the field \`${name}\` is ${has}, and the model's ${role} takes ${wanted}`,
    primary: { span, text: `each example is ${has}` },
    secondary: [{ span: port, text: `an example is ${wanted} here` }],
    help: { text: `let the field be ${wanted}, with \`reshape\` where the numbers are as many` },
  }),
}

const speller = (rows: number) =>
  `model Speller {\n  input letter: int[batch, T]\n  target next: int[batch, T]\n  output logits = letter |> Embedding(${rows}, 8) |> Linear(40)\n  loss cross_entropy(logits, next)\n}\n`
const spelling =
  'data Names {\n  letters = text("names.txt") |> tokenize(chars(40))\n  train {\n    letter = letters |> window(16)\n    next = letters |> window(16, ahead: 1)\n  }\n}\ntrain {\n  model: Speller\n  data: Names\n  optimizer: adam(lr: 1e-3)\n  epochs: 1\n}'

export const vocabularyTooLarge: DiagnosticRow<{
  span: Span
  name: string
  ids: number
  rows: number
  port: Span
  role: string
}> = {
  code: 'DLM0514',
  severity: 'error',
  title: 'a vocabulary has more tokens than the model has rows for them',
  explanation:
    'The size of a vocabulary is written with its tokenizer, `chars(96)`, and counts the four special tokens too. A table in which tokens are looked up, such as that of an `Embedding`, needs a row for each. A `const` used in both places keeps them equal.',
  wrong: speller(30) + spelling,
  right: speller(40) + spelling,
  say: ({ span, name, ids, rows, port, role }) => ({
    message: `the vocabulary of \`${name}\` has ${ids} tokens, and the model looks them up in ${rows} rows`,
    primary: { span, text: `ids from 0 to ${ids - 1}` },
    secondary: [{ span: port, text: `this ${role} is looked up in a table of ${rows} rows` }],
    help: { text: `let both be the same number, for example by \`const vocabulary = ${ids}\`` },
  }),
}
