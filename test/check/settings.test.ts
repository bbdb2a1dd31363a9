/** `data` and `train` blocks: what they are read as, and what is said of each kind of fault. */
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { rows } from '../../compiler/diagnostics/registry.ts'
import type { Program } from '../../compiler/program.ts'

const model = `model Line {
  input x: float[batch, 4]
  target y: int[batch]
  output logits = x |> Linear(3)
  loss cross_entropy(logits, y)
  metric right = accuracy(logits, y)
}
`
const points = `data Points {
  train {
    x = csv("points.csv", columns: ["a", "b", "c", "d"]) |> normalize(0.5, 2)
    y = csv("points.csv", columns: "class")
  }
  validation = split(train, 0.1)
}
`
const train = (...settings: string[]) =>
  `train {\n  model: Line\n  data: Points\n${settings.map((s) => `  ${s}\n`).join('')}}\n`
const read = (text: string): Program => check({ path: 'x.dlm', text }, () => undefined)
const said = (text: string): string[] => read(text).diagnostics.map((d) => `${d.code} ${d.message}`)
/** The part of the text that the first diagnostic points at. */
const pointed = (text: string): string => {
  const [diagnostic] = read(text).diagnostics
  const { span } = diagnostic!.primary!
  return text.slice(span.start, span.end)
}

describe('what is written is what is read', () => {
  it('data: sources, stages, splits, bindings', () => {
    const program = read(`data D {
      pixels = idx("images") |> scale(1 / 255)
      train {
        image = pixels |> reshape([784])
        label = idx("labels") |> one_hot(10)
      }
      validation = split(train, 0.25)
      extra { image = csv("t.csv", columns: [0, 2], header: false) |> shift(-1) }
    }`)
    expect(program.diagnostics).toEqual([])
    expect(program.data.get('D')).toEqual({
      name: 'D',
      partitions: [
        {
          kind: 'fields',
          name: 'train',
          fields: [
            {
              name: 'image',
              source: { kind: 'idx', path: 'images' },
              stages: [
                { kind: 'scale', by: 1 / 255 },
                { kind: 'reshape', shape: [784] },
              ],
            },
            { name: 'label', source: { kind: 'idx', path: 'labels' }, stages: [{ kind: 'one_hot', classes: 10 }] },
          ],
        },
        {
          kind: 'fields',
          name: 'extra',
          fields: [
            {
              name: 'image',
              source: { kind: 'csv', path: 't.csv', columns: ['0', '2'], header: false },
              stages: [{ kind: 'shift', by: -1 }],
            },
          ],
        },
        { kind: 'split', name: 'validation', from: 'train', fraction: 0.25 },
      ],
    })
  })

  it('training: every setting', () => {
    const program = read(`${model}${points}const rate = 1e-3
train Base {
  model: Line
  data: Points
  optimizer: adam(lr: cosine(rate, steps: 100, warmup: 10), beta2: 0.98) { "linear_1.bias": lr 1e-2 }
  batch: 64
  epochs: 3
  steps: 100
  seed: 42
  clip_norm: 1.0
  precision: float32
  average_last: 5
  validate: every(50)
  checkpoint: every(20)
  monitor: max("right")
  patience: 3
  min_delta: 0.001
  record: gradients, carries
  load: "w.safetensors" except "linear_1.*"
  freeze: "linear_1.bias", "*.weight"
  dims: (T: 64)
}`)
    expect(program.diagnostics).toEqual([])
    const [description] = program.trains
    const { span: _, optimizer, ...rest } = description!
    expect(rest).toEqual({
      name: 'Base',
      model: { name: 'Line', arguments: new Map() },
      data: 'Points',
      batch: 64,
      epochs: 3,
      steps: 100,
      seed: 42,
      clipNorm: 1,
      precision: 'float32',
      averageLast: 5,
      validateEvery: 50,
      checkpointEvery: 20,
      monitor: { scalar: 'right', mode: 'max' },
      patience: 3,
      minDelta: 0.001,
      record: ['gradients', 'carries'],
      load: { path: 'w.safetensors', except: ['linear_1.*'] },
      freeze: ['linear_1.bias', '*.weight'],
      dims: new Map([['T', 64]]),
    })
    expect(optimizer).toMatchObject({
      module: 'adam',
      rate: { kind: 'cosine', peak: 1e-3, steps: 100, floor: 0, warmup: 10 },
      overrides: [{ pattern: 'linear_1.bias', rate: { kind: 'constant', rate: 1e-2 } }],
    })
    expect(optimizer.arguments.get('beta2')).toBe(0.98)
    expect(optimizer.arguments.get('beta1')).toBe(0.9)
  })

  it.each([
    ['0.5', { kind: 'constant', rate: 0.5 }],
    ['constant(0.5)', { kind: 'constant', rate: 0.5 }],
    ['linear(0.1, to: 0, steps: 10)', { kind: 'linear', from: 0.1, to: 0, steps: 10 }],
    ['cosine(0.1, 10)', { kind: 'cosine', peak: 0.1, steps: 10, floor: 0, warmup: 0 }],
    // biome-ignore lint/suspicious/noThenProperty: the schedule that follows the warm-up; nothing awaits it
    ['warmup(0.1, steps: 10)', { kind: 'warmup', steps: 10, then: { kind: 'constant', rate: 0.1 } }],
    [
      'warmup(linear(0.1, 0, 5), 10)',
      // biome-ignore lint/suspicious/noThenProperty: the schedule that follows the warm-up; nothing awaits it
      { kind: 'warmup', steps: 10, then: { kind: 'linear', from: 0.1, to: 0, steps: 5 } },
    ],
    ['noam(dim: 512, warmup: 4000)', { kind: 'noam', dim: 512, warmup: 4000, factor: 1 }],
  ])('the schedule %s', (text, description) => {
    const program = read(`${model}${points}${train(`optimizer: sgd(lr: ${text})`, 'epochs: 1')}`)
    expect(program.diagnostics).toEqual([])
    expect(program.trains[0]!.optimizer.rate).toEqual(description)
  })

  it('an optimizer of the user', () => {
    const own =
      'module plain(scale: float = 1) {\n  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {\n    return param - scale * rate * grad\n  }\n}\n'
    const program = read(`${own}${model}${points}${train('optimizer: plain(lr: 1, scale: 2)', 'epochs: 1')}`)
    expect(program.diagnostics).toEqual([])
    expect(program.optimizer(program.trains[0]!.optimizer).moments).toEqual([])
  })
})

const base = `${model}${points}`
const settings = (...lines: string[]) => base + train('optimizer: sgd(lr: 0.1)', 'epochs: 1', ...lines)

describe('faults', () => {
  it.each<[string, string, string, string]>([
    ['misspelt setting', settings('bacth: 8'), 'DLM0601 there is no setting `bacth`', 'bacth'],
    ['a hostile setting', settings('__proto__: 8'), 'DLM0601 there is no setting `__proto__`', '__proto__'],
    ['batch of 0', settings('batch: 0'), 'DLM0602 `batch` takes a whole number of at least 1', '0'],
    ['batch of a half', settings('batch: 0.5'), 'DLM0602 `batch` takes a whole number of at least 1', '0.5'],
    ['batch of a string', settings('batch: "8"'), 'DLM0602 `batch` takes a whole number of at least 1', '"8"'],
    [
      'seed too large',
      settings('seed: 4294967296'),
      'DLM0602 `seed` takes a whole number from 0 to 4294967295',
      '4294967296',
    ],
    ['negative clip', settings('clip_norm: -1'), 'DLM0602 `clip_norm` takes a positive number', '-1'],
    ['precision', settings('precision: half'), 'DLM0602 `precision` takes `float32` or `mixed`', 'half'],
    ['validate', settings('validate: 100'), 'DLM0602 `validate` takes `every(n)`, n being a number of steps', '100'],
    [
      'validate every 0',
      settings('validate: every(0)'),
      'DLM0602 `steps` of `every` takes a whole number of at least 1',
      '0',
    ],
    ['load', settings('load: 3'), 'DLM0602 `load` takes the path of a file as a string', '3'],
    ['dims', settings('dims: 3'), 'DLM0602 `dims` takes named whole numbers in parentheses, as in `(T: 64)`', '3'],
    ['twice', settings('epochs: 2'), 'DLM0603 the setting `epochs` is given twice', 'epochs'],
    ['no length', base + train('optimizer: sgd(lr: 0.1)'), 'DLM0604 this train block does not say `epochs`', 'train'],
    ['no optimizer', base + train('epochs: 1'), 'DLM0604 this train block does not say `optimizer`', 'train'],
    ['unknown model', settings().replace('model: Line', 'model: Lime'), 'DLM0605 there is no model `Lime`', 'Lime'],
    [
      'model argument',
      settings().replace('model: Line', 'model: Line(dim: 3)'),
      'DLM0203 `Line` has no parameter `dim`',
      'dim',
    ],
    [
      'unknown data',
      settings().replace('data: Points', 'data: Point'),
      'DLM0606 there is no data block `Point`',
      'Point',
    ],
    ['misspelt optimizer', settings().replace('sgd', 'sdg'), 'DLM0607 `sdg` is not an optimizer', 'sdg'],
    [
      'a layer as optimizer',
      settings().replace('sgd(lr: 0.1)', 'Linear(3)'),
      'DLM0607 the module Linear is not an optimizer',
      'Linear',
    ],
    [
      'no rate',
      settings().replace('sgd(lr: 0.1)', 'sgd(momentum: 0.5)'),
      'DLM0608 `sgd` has no learning rate',
      'sgd(momentum: 0.5)',
    ],
    [
      'negative rate',
      settings().replace('0.1)\n  epochs', '-1)\n  epochs'),
      'DLM0602 `lr` takes a number of at least 0',
      '-1',
    ],
    [
      'unknown hyperparameter',
      settings().replace('lr: 0.1', 'lr: 0.1, momentun: 0.9'),
      'DLM0203 `sgd` has no parameter `momentun`',
      'momentun',
    ],
    [
      'a bad hyperparameter',
      settings().replace('lr: 0.1', 'lr: 0.1, nesterov: true'),
      'DLM0407 nesterov needs momentum',
      'sgd(lr: 0.1, nesterov: true)',
    ],
    [
      'unknown schedule',
      settings().replace('lr: 0.1', 'lr: cosin(0.1, steps: 3)'),
      'DLM0609 there is no schedule `cosin`',
      'cosin',
    ],
    [
      'schedule argument',
      settings().replace('lr: 0.1', 'lr: cosine(0.1)'),
      'DLM0204 cosine needs `steps`',
      'cosine(0.1)',
    ],
    ['two values', settings('batch: 1, 2'), 'DLM0610 `batch` takes no second value', '2'],
    ['except', settings('seed: 1 except "x"'), 'DLM0610 `seed` takes no `except`', '"x"'],
    ['braces', settings('seed: 1 { "x": lr 1 }'), 'DLM0610 `seed` takes no braces', '"x": lr 1'],
    [
      'override',
      settings().replace('lr: 0.1)', 'lr: 0.1) { "linear_1.*": momentum 0.5 }'),
      'DLM0611 `momentum` cannot differ between parameters',
      'momentum',
    ],
    ['freeze of nothing', settings('freeze: "conv.*"'), 'DLM0612 no parameter matches "conv.*"', '"conv.*"'],
    [
      'override of nothing',
      settings().replace('lr: 0.1)', 'lr: 0.1) { "conv.*": lr 0.5 }'),
      'DLM0612 no parameter matches "conv.*"',
      '"conv.*"',
    ],
    [
      'no loss',
      settings().replace('  loss cross_entropy(logits, y)\n', ''),
      'DLM0613 the model `Line` has no loss, so it cannot be trained',
      'Line',
    ],
    [
      'no train partition',
      settings().replace('  train {\n    x', '  training {\n    x').replace('split(train', 'split(training'),
      'DLM0614 the data `Points` has no partition `train`',
      'Points',
    ],
    ['monitor', settings('monitor: max("rihgt")'), 'DLM0615 the model has no metric "rihgt" to watch', 'max("rihgt")'],
    ['a name twice', points.replace('validation =', 'train ='), 'DLM0501 the name `train` is defined twice', 'train'],
    ['a field twice', points.replace('y = csv', 'x = csv'), 'DLM0501 the field `x` is defined twice', 'x'],
    [
      'unknown source',
      points.replace('csv("points.csv", columns: "class")', 'cvs("points.csv")'),
      'DLM0502 there is no source of data `cvs`',
      'cvs',
    ],
    [
      'unknown stage',
      points.replace('normalize', 'normalise'),
      'DLM0503 there is no stage `normalise` for data',
      'normalise',
    ],
    [
      'a number as a field',
      points.replace('csv("points.csv", columns: "class")', '3'),
      'DLM0504 the field `y` must be a source of data with its stages',
      '3',
    ],
    [
      'unknown partition',
      points.replace('split(train', 'split(trian'),
      'DLM0505 there is no partition `trian` to cut from',
      'trian',
    ],
    ['empty partition', 'data D {\n  train {\n  }\n}', 'DLM0506 the partition `train` is empty', 'train'],
    ['empty block', 'data D {\n}', 'DLM0506 the data block `D` is empty', 'D'],
    ['fraction', points.replace('0.1', '1.5'), 'DLM0602 `fraction` of `split` takes a number between 0 and 1', '1.5'],
    [
      'too much',
      points.replace('0.1)', '0.5)\n  test = split(train, 0.5)'),
      'DLM0507 the splits of `train` take 1 of it, and nothing is left',
      'split(train, 0.5)',
    ],
    [
      'an empty path',
      points.replace('"points.csv"', '""'),
      'DLM0602 `path` of `csv` takes the path of a file as a string',
      '""',
    ],
    ['no path', 'data D {\n  train { x = idx() }\n}', 'DLM0204 idx needs `path`', 'idx()'],
    [
      'bad deviation',
      points.replace('normalize(0.5, 2)', 'normalize(0.5, 0)'),
      'DLM0602 `deviation` of `normalize` takes a positive number',
      '0',
    ],
    [
      'missing field',
      settings().replace('    y = csv', '    z = csv'),
      'DLM0511 `train` of `Points` has no field `y`',
      'train',
    ],
    [
      'fractions for int',
      settings().replace('"class")', '"class") |> scale(0.5)'),
      "DLM0512 the field `y` is float, and the model's target `y` int",
      'y = csv("points.csv", columns: "class") |> scale(0.5)',
    ],
    [
      'wrong shape',
      settings().replace('normalize(0.5, 2)', 'reshape([2, 2])'),
      "DLM0513 an example of the field `x` is [2, 2], and the model's input takes [4]",
      'x = csv("points.csv", columns: ["a", "b", "c", "d"]) |> reshape([2, 2])',
    ],
    [
      'wrong columns',
      settings().replace('["a", "b", "c", "d"]', '["a", "b"]'),
      "DLM0513 an example of the field `x` is [2], and the model's input takes [4]",
      'x = csv("points.csv", columns: ["a", "b"]) |> normalize(0.5, 2)',
    ],
  ])('%s', (_, text, message, place) => {
    expect(said(text)).toEqual([message])
    expect(pointed(text)).toBe(place)
  })

  it('a near name is offered as a certain edit', () => {
    const [diagnostic] = read(settings('bacth: 8')).diagnostics
    expect(diagnostic!.help).toMatchObject({ text: 'did you mean `batch`?', edit: { replacement: 'batch' } })
  })

  it('many faults are found in one run', () => {
    const text = `${model}${points.replace('normalize', 'normalise')}${train('optimizer: sdg(lr: 0.1)', 'batch: 0', 'epochs: 1, 2')}`
    expect(
      said(text)
        .map((line) => line.slice(0, 7))
        .sort(),
    ).toEqual(['DLM0503', 'DLM0602', 'DLM0607', 'DLM0610'])
  })

  it('both places are shown where data and model disagree', () => {
    const text = settings().replace('["a", "b", "c", "d"]', '["a", "b"]')
    const [diagnostic] = read(text).diagnostics
    const [other] = diagnostic!.secondary
    expect(text.slice(other!.span.start, other!.span.end)).toBe('x')
    expect(other!.text).toBe('an example is [4] here')
  })
})

describe('the examples of the catalogue', () => {
  const mine = rows.filter((row) => /^DLM(05|060|061)/.test(row.code))
  it.each(mine.map((row) => [row.code, row] as const))('%s', (code, row) => {
    expect(read(row.right).diagnostics.map((d) => d.message)).toEqual([])
    expect(read(row.wrong).diagnostics.map((d) => d.code)).toEqual([code])
  })
})
