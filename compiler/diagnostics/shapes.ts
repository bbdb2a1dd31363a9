/** DLM03xx: shapes, dims and dtypes that do not fit. */
import { position, type Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'
import type { Label } from './diagnostic.ts'

/** Where a size was fixed: a place, and what it says. */
export interface SizeSource {
  readonly span: Span
  readonly text: string
}
export interface TypedPlace {
  readonly span: Span
  readonly type: string
}
/** A value checked against a type. */
export interface PlaceFacts {
  readonly role: 'argument' | 'result' | 'value'
  /** `x of Linear`, or the function whose result it is. */
  readonly label: string
  readonly span: Span
  readonly typeSpan: Span | undefined
  readonly expected: string
  readonly given: string
}

const typed = (span: Span | undefined, expected: string): Label[] =>
  span ? [{ span, text: `declared as ${expected}` }] : []
const subject = ({ role, label }: PlaceFacts): string =>
  role === 'result' ? `the result of ${label}` : role === 'value' ? `the value of ${label}` : label
const from = (size: string, source: SizeSource | undefined): Label[] =>
  source ? [{ span: source.span, text: `${size} comes from ${source.text}` }] : []

const line = ({ source, start }: Span): string => `${source.path}:${position(source, start).line}`

/** Labels of places that coincide would hide each other. */
function apart(primary: Span, labels: readonly Label[]): Label[] {
  const seen = new Set([`${primary.source.path} ${primary.start} ${primary.end}`])
  return labels.filter(({ span }) => {
    const key = `${span.source.path} ${span.start} ${span.end}`
    return !seen.has(key) && seen.add(key)
  })
}

export const wrongRank: DiagnosticRow<PlaceFacts & { rank: number; wanted: number; atLeast: boolean }> = {
  code: 'DLM0301',
  severity: 'error',
  title: 'a tensor has the wrong number of axes',
  explanation:
    'A type such as `float[B, T, D]` takes tensors of exactly three axes; `float[..., D]` takes one axis or more.',
  wrong: 'fn f(x: float[B, T]) {\n  return x\n}\nmodel M {\n  input x: float[batch]\n  output y = f(x)\n}',
  right: 'fn f(x: float[B]) {\n  return x\n}\nmodel M {\n  input x: float[batch]\n  output y = f(x)\n}',
  say: (facts) => ({
    message: `${subject(facts)} needs ${facts.atLeast ? 'at least ' : ''}${axes(facts.wanted)}, and this has ${facts.rank}`,
    primary: { span: facts.span, text: facts.given },
    secondary: apart(facts.span, typed(facts.typeSpan, facts.expected)),
  }),
}
const axes = (n: number): string => (n === 1 ? '1 axis' : `${n} axes`)

export const wrongDim: DiagnosticRow<
  PlaceFacts & {
    patternSpan: Span
    pattern: string
    expected: string
    expectedFrom: Span | undefined
    actual: string
    axis: number
    source: SizeSource | undefined
  }
> = {
  code: 'DLM0302',
  severity: 'error',
  title: 'a size differs from the declared one',
  explanation:
    'Sizes in a type that are numbers, hyperparameters or dims already bound must be met exactly; sizes are compared as integer algebra, so `(T + T) / 2` is `T`.',
  wrong: 'fn f(x: float[B, 3]) {\n  return x\n}\nmodel M {\n  input x: float[batch, 4]\n  output y = f(x)\n}',
  right: 'fn f(x: float[B, 3]) {\n  return x\n}\nmodel M {\n  input x: float[batch, 3]\n  output y = f(x)\n}',
  say: (facts) => ({
    message: `axis ${facts.axis} of ${subject(facts)} must be ${facts.pattern === facts.expected ? facts.expected : `${facts.pattern} = ${facts.expected}`}, and is ${facts.actual}`,
    primary: { span: facts.span, text: facts.given },
    secondary: apart(facts.span, [
      { span: facts.patternSpan, text: `declared as ${facts.pattern}` },
      ...(facts.expectedFrom
        ? [{ span: facts.expectedFrom, text: `${facts.pattern} is ${facts.expected} from here` }]
        : []),
      ...from(facts.actual, facts.source),
    ]),
  }),
}

export const wrongDtype: DiagnosticRow<PlaceFacts & { wanted: string; has: string }> = {
  code: 'DLM0303',
  severity: 'error',
  title: 'a tensor has the wrong dtype',
  explanation:
    '`float`, `int`, `uint` and `bool` tensors are different things; nothing is converted silently where a type is declared.',
  wrong: 'model M {\n  input token: int[batch, 4]\n  output y = token |> Linear(2)\n}',
  right: 'model M {\n  input token: int[batch, 4]\n  output y = float(token) |> Linear(2)\n}',
  say: (facts) => ({
    message: `${subject(facts)} must be ${facts.wanted}, and is ${facts.has}`,
    primary: { span: facts.span, text: facts.given },
    secondary: apart(facts.span, typed(facts.typeSpan, facts.expected)),
    ...(facts.wanted === 'float' || facts.wanted === 'int'
      ? { help: { text: `convert it with \`${facts.wanted}(…)\`` } }
      : {}),
  }),
}

export const dimConflict: DiagnosticRow<
  PlaceFacts & { name: string; first: { dim: string; span: Span }; actual: string; source: SizeSource | undefined }
> = {
  code: 'DLM0304',
  severity: 'error',
  title: 'one dim name stands for two sizes',
  explanation: 'A dim name in a signature is one size throughout a call: the first argument that has it fixes it.',
  wrong:
    'fn f(a: float[N], b: float[N]) {\n  return a + b\n}\nmodel M {\n  input a: float[3]\n  input b: float[4]\n  output y = f(a, b)\n}',
  right:
    'fn f(a: float[N], b: float[N]) {\n  return a + b\n}\nmodel M {\n  input a: float[3]\n  input b: float[3]\n  output y = f(a, b)\n}',
  say: (facts) => ({
    message: `the dim ${facts.name} is ${facts.first.dim}, and ${facts.actual} in ${subject(facts)}`,
    primary: { span: facts.span, text: facts.given },
    secondary: apart(facts.span, [
      { span: facts.first.span, text: `${facts.name} is ${facts.first.dim} from here` },
      ...typed(facts.typeSpan, facts.expected),
      ...from(facts.actual, facts.source),
    ]),
  }),
}

export const cannotInfer: DiagnosticRow<PlaceFacts & { patternSpan: Span; names: readonly string[] }> = {
  code: 'DLM0305',
  severity: 'error',
  title: 'a dim cannot be inferred',
  explanation:
    'A size such as `a * b` binds neither of two unknown names. Each dim name must stand alone somewhere, or be the only unknown of a sum with whole factors.',
  wrong: 'fn f(x: float[a * b]) {\n  return x\n}\nmodel M {\n  input x: float[12]\n  output y = f(x)\n}',
  right: 'fn f(x: float[a * b], a: int) {\n  return x\n}\nmodel M {\n  input x: float[12]\n  output y = f(x, a: 3)\n}',
  say: (facts) => ({
    message: `nothing says what ${facts.names.map((n) => `\`${n}\``).join(' and ')} ${facts.names.length === 1 ? 'is' : 'are'}`,
    primary: { span: facts.patternSpan, text: 'not solvable for one unknown' },
    secondary: apart(facts.patternSpan, [{ span: facts.span, text: facts.given }]),
    help: { text: `give \`${facts.names[0]}\` as a parameter, or let it stand alone in a shape` },
  }),
}

export const noSolution: DiagnosticRow<
  PlaceFacts & { patternSpan: Span; name: string; actual: string; pattern: string }
> = {
  code: 'DLM0306',
  severity: 'error',
  title: 'a size does not fit the declared expression',
  explanation: 'For `float[2 * n]` the size must be even: dims are whole numbers of at least 0.',
  wrong: 'fn f(x: float[2 * n]) {\n  return x\n}\nmodel M {\n  input x: float[7]\n  output y = f(x)\n}',
  right: 'fn f(x: float[2 * n]) {\n  return x\n}\nmodel M {\n  input x: float[8]\n  output y = f(x)\n}',
  say: (facts) => ({
    message: `no whole number ${facts.name} makes ${facts.pattern} equal to ${facts.actual}`,
    primary: { span: facts.span, text: facts.given },
    secondary: apart(facts.span, [{ span: facts.patternSpan, text: `declared as ${facts.pattern}` }]),
  }),
}

export const restDiffers: DiagnosticRow<PlaceFacts & { first: { span: Span; dims: string }; dims: string }> = {
  code: 'DLM0307',
  severity: 'error',
  title: '`...` stands for two different shapes',
  explanation: '`...` in a signature is one list of dims throughout a call, in parameters and result alike.',
  wrong: 'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 4]\n  output y = mse(a, b)\n}',
  right: 'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 3]\n  output y = mse(a, b)\n}',
  say: (facts) => ({
    message: `\`...\` is [${facts.first.dims}], and [${facts.dims}] in ${subject(facts)}`,
    primary: { span: facts.span, text: facts.given },
    secondary: apart(facts.span, [
      { span: facts.first.span, text: `\`...\` is [${facts.first.dims}] from here` },
      ...typed(facts.typeSpan, facts.expected),
    ]),
  }),
}

export const wrongKind: DiagnosticRow<PlaceFacts> = {
  code: 'DLM0308',
  severity: 'error',
  title: 'a value is not what the place takes',
  explanation:
    'A parameter with a shape takes a tensor (numbers and lists of numbers become one); a type without a shape takes a value known while compiling.',
  wrong: 'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear("many")\n}',
  right: 'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear(10)\n}',
  say: (facts) => ({
    message: `${subject(facts)} must be ${facts.expected}, and is ${facts.given}`,
    primary: { span: facts.span, text: `this is ${facts.given}` },
    secondary: apart(facts.span, typed(facts.typeSpan, facts.expected)),
  }),
}

export const productDiffers: DiagnosticRow<{
  span: Span
  left: TypedPlace & { dim: string; source: SizeSource | undefined }
  right: TypedPlace & { dim: string; source: SizeSource | undefined }
}> = {
  code: 'DLM0311',
  severity: 'error',
  title: 'two shapes have no matrix product',
  explanation:
    '`a @ b` sums over the last axis of a and the last but one of b (the only one, for a vector); both must have one size.',
  wrong: 'model M {\n  input a: float[batch, 3]\n  input b: float[4, 5]\n  output y = a @ b\n}',
  right: 'model M {\n  input a: float[batch, 3]\n  input b: float[3, 5]\n  output y = a @ b\n}',
  say: ({ span, left, right }) => ({
    message: 'these two shapes have no matrix product',
    primary: { span, text: `${left.dim} meets ${right.dim}` },
    secondary: apart(span, [
      { span: left.span, text: left.type },
      { span: right.span, text: right.type },
      ...from(left.dim, left.source),
      ...from(right.dim, right.source),
    ]),
    notes: [`the last axis on the left is ${left.dim}, and the axis on the right that it meets is ${right.dim}`],
    ...(right.type.endsWith(`, ${left.dim}]`) ? { help: { text: 'transpose the right side: `@ transpose(…)`' } } : {}),
  }),
}

export interface ShapesDifferFacts {
  /** `added`: these two shapes cannot be added. */
  readonly operation: string
  readonly span: Span
  readonly left: TypedPlace
  readonly right: TypedPlace
  /** `last`, `second from the last`, `axis \`t\``. */
  readonly axis: string
  readonly dims: readonly { readonly text: string; readonly source: SizeSource | undefined }[]
}
export const shapesDiffer: DiagnosticRow<ShapesDifferFacts> = {
  code: 'DLM0312',
  severity: 'error',
  title: 'two shapes do not go together',
  explanation:
    'Elementwise operations align shapes at the last axis; sizes must be equal, or one of them 1. A symbolic dim is never 1: write `expand` or `broadcast` where repetition is meant.',
  wrong: 'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 4]\n  output y = a + b\n}',
  right: 'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 3]\n  output y = a + b\n}',
  say: ({ operation, span, left, right, axis, dims }) => ({
    message: `these two shapes cannot be ${operation}`,
    primary: { span, text: `${dims[0]!.text} and ${dims[1]!.text} differ` },
    secondary: apart(span, [
      { span: left.span, text: left.type },
      { span: right.span, text: right.type },
      ...dims.flatMap((d) => from(d.text, d.source)),
    ]),
    notes: [
      `${axis.startsWith('axis') || axis.startsWith('batch') ? axis : `the ${axis} axis`} differs: ${dims.map((d) => d.text + (d.source ? ` comes from ${d.source.text} (${line(d.source.span)})` : '')).join(', ')}`,
    ],
  }),
}

export const symbolicParameter: DiagnosticRow<{ span: Span; what: string; dim: string }> = {
  code: 'DLM0313',
  severity: 'error',
  title: 'the shape of a parameter depends on a free dim',
  explanation:
    'Parameters and states are saved, so their sizes are fixed when the program is compiled. A free dim such as `batch` or `T` has no number then.',
  wrong: 'model M {\n  input x: float[batch, T]\n  output y = x |> Linear(2)\n}',
  right: 'model M {\n  input x: float[batch, 16]\n  output y = x |> Linear(2)\n}',
  say: ({ span, what, dim }) => ({
    message: `the shape of ${what} depends on the free dim ${dim}`,
    primary: { span, text: `this is ${dim}` },
    help: { text: `write a number for ${dim} in the model's input, or sum over that axis first` },
  }),
}

export const sharedParameterDiffers: DiagnosticRow<{
  span: Span
  path: string
  first: readonly number[]
  second: readonly number[]
  call: Span | undefined
}> = {
  code: 'DLM0314',
  severity: 'error',
  title: 'a shared layer is called with shapes that need different parameters',
  explanation: 'A layer called twice uses the same parameters both times, so their shapes must come out the same.',
  wrong:
    'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 4]\n  layer head = Linear(2)\n  output y = head(a) + head(b)\n}',
  right:
    'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 3]\n  layer head = Linear(2)\n  output y = head(a) + head(b)\n}',
  say: ({ span, path, first, second, call }) => ({
    message: `the parameter ${path} is [${first.join(', ')}] from an earlier call, and would be [${second.join(', ')}] here`,
    primary: call
      ? { span: call, text: `this call needs [${second.join(', ')}]` }
      : { span, text: `[${second.join(', ')}]` },
    secondary: call ? apart(call, [{ span, text: 'declared here' }]) : [],
    help: { text: 'make a layer for each use, or bring both inputs to one size' },
  }),
}

export const sharedLayerDiffers: DiagnosticRow<{ span: Span; path: string; first: Span }> = {
  code: 'DLM0315',
  severity: 'error',
  title: 'two calls of one layer disagree about a layer inside it',
  explanation:
    'A layer called twice has the same layers inside both times; a static condition on its inputs may not change their hyperparameters.',
  wrong:
    'module Head() {\n  forward(x: float[B, D]) {\n    return x |> Linear(D + 1)\n  }\n}\nmodel M {\n  input a: float[batch, 3]\n  input b: float[batch, 4]\n  layer head = Head()\n  output y = sum(head(a)) + sum(head(b))\n}',
  right: 'module Head(size: int) {\n  forward(x: float[B, D]) {\n    return x |> Linear(size)\n  }\n}',
  say: ({ span, path, first }) => ({
    message: `the layer ${path} was made with other hyperparameters in an earlier call`,
    primary: { span, text: 'differs now' },
    secondary: apart(span, [{ span: first, text: 'made here' }]),
  }),
}

/** `parts`: of a tuple, what they are called. */
export const notATensor: DiagnosticRow<{ span: Span; given: string; parts?: readonly string[] | undefined }> = {
  code: 'DLM0316',
  severity: 'error',
  title: 'a tensor is needed',
  explanation:
    'This place computes with tensors; numbers, truth values and lists of numbers become tensors, other values do not.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = relu\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = relu(x)\n}',
  say: ({ span, given, parts }) => ({
    message: `a tensor is needed here, and this is ${given}`,
    primary: { span, text: `this is ${given}` },
    ...(parts && { help: { text: `take one of its parts by name: \`let (${parts.join(', ')}) = …\`` } }),
  }),
}

export const listOfTensors: DiagnosticRow<{ span: Span }> = {
  code: 'DLM0317',
  severity: 'error',
  title: 'a list of tensors stands for a tensor',
  explanation:
    'A list of numbers is a tensor; tensors are joined with `stack` along a new axis or `concat` along one they have.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = relu([x, x])\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = relu(stack([x, x]))\n}',
  say: ({ span }) => ({
    message: 'a list of tensors is no tensor',
    primary: { span, text: 'a list' },
    help: { text: 'join them with `stack([…])` or `concat([…])`' },
  }),
}

export const raggedList: DiagnosticRow<{ span: Span; axis: number; expected: number; given: string }> = {
  code: 'DLM0318',
  severity: 'error',
  title: 'the rows of a literal tensor differ in length',
  explanation: 'A nested list stands for a tensor when all rows of an axis have one length.',
  wrong: 'test "t" {\n  expect sum([[1, 2], [3]] + 0) == 6\n}',
  right: 'test "t" {\n  expect sum([[1, 2], [3, 0]] + 0) == 6\n}',
  say: ({ span, axis, expected, given }) => ({
    message: `the rows of this list differ: axis ${axis} has ${expected} items at first, and then ${given}`,
    primary: { span, text: 'ragged' },
  }),
}

export const mixedList: DiagnosticRow<{ span: Span }> = {
  code: 'DLM0319',
  severity: 'error',
  title: 'a literal tensor mixes numbers and truth values',
  explanation: 'All elements of a tensor have one dtype.',
  wrong: 'test "t" {\n  expect sum([1, true] + 0) == 2\n}',
  right: 'test "t" {\n  expect sum([1, 1] + 0) == 2\n}',
  say: ({ span }) => ({
    message: 'this list mixes numbers and truth values',
    primary: { span, text: 'two kinds of element' },
  }),
}

export const operandDtype: DiagnosticRow<{
  span: Span
  operation: string
  given: string
  needed: string
  convert: string
}> = {
  code: 'DLM0320',
  severity: 'error',
  title: 'an operand has a dtype that the operation does not take',
  explanation:
    'Arithmetic takes numbers, `where` and `and` take truth values. `float(mask)` makes 0 and 1 of truth values; `where(mask, x, 0)` chooses.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = x * (x > 0)\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = where(x > 0, x, 0)\n}',
  say: ({ span, operation, given, needed, convert }) => ({
    message: `${given} cannot be ${operation}: it takes ${needed}`,
    primary: { span, text: given },
    help: { text: `convert it with \`${convert}\`` },
  }),
}

export const scalarProduct: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0321',
  severity: 'error',
  title: 'a scalar stands in a matrix product',
  explanation: '`@` multiplies matrices and vectors; a scalar is multiplied with `*`.',
  wrong: 'model M {\n  input x: float[batch, 3]\n  output y = x @ 2\n}',
  right: 'model M {\n  input x: float[batch, 3]\n  output y = x * 2\n}',
  say: ({ span, given }) => ({
    message: 'a scalar has no matrix product',
    primary: { span, text: given },
    help: { text: 'use `*`' },
  }),
}

export const axisRange: DiagnosticRow<{ span: Span; axis: number; rank: number; label: string }> = {
  code: 'DLM0322',
  severity: 'error',
  title: 'there is no such axis',
  explanation: 'Axes count from 0, and from -1 backwards.',
  wrong: 'model M {\n  input x: float[batch, 3]\n  output y = sum(x, axis: 2)\n}',
  right: 'model M {\n  input x: float[batch, 3]\n  output y = sum(x, axis: 1)\n}',
  say: ({ span, axis, rank, label }) => ({
    message: `${label} is asked for axis ${axis}, and there ${rank === 1 ? 'is 1 axis' : `are ${rank} axes`}`,
    primary: { span, text: `axis ${axis}` },
    notes: rank === 0 ? ['a scalar has no axes'] : [`axes go from 0 to ${rank - 1}, or from -${rank} to -1`],
  }),
}

export const needsAxes: DiagnosticRow<{ span: Span; label: string; given: string; least: number }> = {
  code: 'DLM0323',
  severity: 'error',
  title: 'a tensor has too few axes',
  explanation: 'Some functions need a certain number of axes to work on, such as `transpose` two.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = transpose(x)\n}',
  right: 'model M {\n  input x: float[batch, 3]\n  output y = transpose(x)\n}',
  say: ({ span, label, given, least }) => ({
    message: `${label} needs at least ${axes(least)}`,
    primary: { span, text: given },
  }),
}

export const indexRange: DiagnosticRow<{ span: Span; index: string | number; length: string; what: string }> = {
  code: 'DLM0324',
  severity: 'error',
  title: 'an index is out of range',
  explanation: 'Indices count from 0 to the size less 1, or from -1 backwards.',
  wrong: 'model M {\n  input x: float[batch, 3]\n  output y = x[:, 3]\n}',
  right: 'model M {\n  input x: float[batch, 3]\n  output y = x[:, 2]\n}',
  say: ({ span, index, length, what }) => ({
    message: `the index ${index} is out of range: there are ${length}`,
    primary: { span, text: `of ${length} in ${what}` },
  }),
}

export const sliceRange: DiagnosticRow<{ span: Span; start: string; stop: string; size: string }> = {
  code: 'DLM0325',
  severity: 'error',
  title: 'a slice reaches out of range',
  explanation: 'A slice `a:b` takes the elements from a up to, but not including, b; both lie between 0 and the size.',
  wrong: 'model M {\n  input x: float[batch, 3]\n  output y = x[:, 1:5]\n}',
  right: 'model M {\n  input x: float[batch, 3]\n  output y = x[:, 1:3]\n}',
  say: ({ span, start, stop, size }) => ({
    message: `the slice from ${start} to ${stop} does not fit the size ${size}`,
    primary: { span, text: `the axis has ${size}` },
  }),
}

export const tooManyIndices: DiagnosticRow<{ span: Span; type: string; indices: number; rank: number; rests: number }> =
  {
    code: 'DLM0326',
    severity: 'error',
    title: 'a tensor is indexed with too many indices',
    explanation: 'There is at most one index for each axis, and one `...` for the axes that are left whole.',
    wrong: 'model M {\n  input x: float[batch, 3]\n  output y = x[:, 0, 0]\n}',
    right: 'model M {\n  input x: float[batch, 3]\n  output y = x[:, 0]\n}',
    say: ({ span, type, indices, rank, rests }) => ({
      message: rests > 1 ? '`...` can stand once in an index' : `${type} has ${axes(rank)}, and ${indices} are indexed`,
      primary: { span, text: type },
    }),
  }

export const indexDtype: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0327',
  severity: 'error',
  title: 'an index is not an int',
  explanation: 'A tensor is looked up by ints. For a mask, `where(mask, x, 0)` chooses elements.',
  wrong: 'model M {\n  input x: float[batch, 3]\n  input at: float[5]\n  output y = gather(x, at, axis: 1)\n}',
  right: 'model M {\n  input x: float[batch, 3]\n  input at: int[5]\n  output y = gather(x, at, axis: 1)\n}',
  say: ({ span, given }) => ({
    message: `indices are ints, and this is ${given}`,
    primary: { span, text: given },
    help: { text: 'use `int(…)`, or `where` for a mask' },
  }),
}

export const reshapeCount: DiagnosticRow<{
  span: Span
  from: string
  to: string
  has: string
  wants: string
  /** What would fit: the first axes as they are, then the new ones. */
  fits: string | undefined
}> = {
  code: 'DLM0328',
  severity: 'error',
  title: 'a new shape has another number of elements',
  explanation:
    '`reshape` keeps all elements in their order, so the products of the sizes must be equal; one size may be -1, for what is left over.',
  wrong: 'model M {\n  input x: float[batch, 6]\n  output y = reshape(x, [batch, 2, 4])\n}',
  right: 'model M {\n  input x: float[batch, 6]\n  output y = reshape(x, [batch, 2, 3])\n}',
  say: ({ span, from: given, to, has, wants, fits }) => ({
    message: `${given} cannot take the shape ${to}`,
    primary: { span, text: `${wants} elements, from ${has}` },
    ...(fits !== undefined && { help: { text: `the new shape is of all axes: write \`${fits}\`` } }),
  }),
}

export const badPattern: DiagnosticRow<{ span: Span; pattern: string; reason: string }> = {
  code: 'DLM0329',
  severity: 'error',
  title: 'a pattern of axes does not fit',
  explanation:
    '`rearrange` and `einsum` name axes on both sides of `->`. In `rearrange`, `(h d)` is one axis made of two; sizes that cannot be inferred are given by name.',
  wrong: 'model M {\n  input x: float[batch, 6]\n  output y = rearrange(x, "b (h d) -> b h d")\n}',
  right: 'model M {\n  input x: float[batch, 6]\n  output y = rearrange(x, "b (h d) -> b h d", h: 2)\n}',
  say: ({ span, pattern, reason }) => ({
    message: `the pattern ${JSON.stringify(pattern)} does not fit: ${reason}`,
    primary: { span, text: reason },
  }),
}

export const joinDiffers: DiagnosticRow<{
  span: Span
  left: string
  right: string
  reason: string
  sources?: readonly (SizeSource | undefined)[]
}> = {
  code: 'DLM0330',
  severity: 'error',
  title: 'tensors that are joined differ in shape',
  explanation:
    '`concat` joins tensors that differ at most in the axis they are joined along, `stack` tensors of one shape.',
  wrong: 'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 4]\n  output y = stack([a, b])\n}',
  right: 'model M {\n  input a: float[batch, 3]\n  input b: float[batch, 4]\n  output y = concat([a, b])\n}',
  say: ({ span, left, right, reason, sources = [] }) => ({
    message: `${left} and ${right} cannot be joined: ${reason}`,
    primary: { span, text: reason },
    secondary: apart(
      span,
      sources.flatMap((s) => (s ? [{ span: s.span, text: `from ${s.text}` }] : [])),
    ),
  }),
}

export const unevenSplit: DiagnosticRow<{ span: Span; size: string; into: string }> = {
  code: 'DLM0331',
  severity: 'error',
  title: 'an axis does not split into these parts',
  explanation:
    '`split(x, n)` needs an axis that n divides for every value of its dims; `split(x, [a, b])` needs parts that make up the axis.',
  wrong: 'model M {\n  input x: float[batch, 7]\n  let (a, b) = split(x, 2)\n  output y = a + b\n}',
  right: 'model M {\n  input x: float[batch, 8]\n  let (a, b) = split(x, 2)\n  output y = a + b\n}',
  say: ({ span, size, into }) => ({
    message: `an axis of ${size} does not split into ${into}`,
    primary: { span, text: `of ${size}` },
  }),
}

export const broadcastFails: DiagnosticRow<{ span: Span; from: string; to: string }> = {
  code: 'DLM0332',
  severity: 'error',
  title: 'a tensor does not stretch to a shape',
  explanation:
    '`broadcast` aligns shapes at the last axis and repeats axes of size 1; other sizes must be those of the new shape.',
  wrong: 'model M {\n  input x: float[batch, 3]\n  output y = broadcast(x, [batch, 4])\n}',
  right: 'model M {\n  input x: float[batch, 1]\n  output y = broadcast(x, [batch, 4])\n}',
  say: ({ span, from: given, to }) => ({
    message: `${given} does not stretch to ${to}`,
    primary: { span, text: `from ${given}` },
  }),
}

export const badConvolution: DiagnosticRow<{ span: Span; reason: string; input: TypedPlace; filter: TypedPlace }> = {
  code: 'DLM0333',
  severity: 'error',
  title: 'an input and a filter do not fit',
  explanation:
    'The input is [..., channels, H, W] and the filter [features, channels / groups, kh, kw]. The result has (H + 2 · padding - dilation · (kh - 1) - 1) div stride + 1 rows, at least one.',
  wrong: 'model M {\n  input x: float[batch, 3, 8, 8]\n  output y = x |> Conv2d(4, kernel: 11)\n}',
  right: 'model M {\n  input x: float[batch, 3, 8, 8]\n  output y = x |> Conv2d(4, kernel: 3)\n}',
  say: ({ span, reason, input, filter }) => ({
    message: `this convolution does not fit: ${reason}`,
    primary: { span, text: reason },
    secondary: apart(span, [
      { span: input.span, text: `input ${input.type}` },
      { span: filter.span, text: `filter ${filter.type}` },
    ]),
  }),
}

export const takeDiffers: DiagnosticRow<{ span: Span; data: TypedPlace; given: string; wanted: string }> = {
  code: 'DLM0334',
  severity: 'error',
  title: '`take` is given indices of another shape than its rows',
  explanation:
    '`take(x, indices, axis)` takes one element of each row, so there is one index for each: the shape of x without the axis.',
  wrong: 'model M {\n  input x: float[batch, 3]\n  input at: int[5]\n  output y = take(x, at)\n}',
  right: 'model M {\n  input x: float[batch, 3]\n  input at: int[batch]\n  output y = take(x, at)\n}',
  say: ({ span, data, given, wanted }) => ({
    message: `the indices must be ${wanted}, and are ${given}`,
    primary: { span, text: given },
    secondary: apart(span, [{ span: data.span, text: data.type }]),
    help: { text: '`gather` looks up any indices along an axis' },
  }),
}

export const negativeSize: DiagnosticRow<{ span: Span; what: string; dim: string }> = {
  code: 'DLM0335',
  severity: 'error',
  title: 'a size is negative',
  explanation: 'A size is a whole number of at least 0.',
  wrong: 'const width = 3\nmodel M {\n  input x: float[batch, width - 5]\n  output y = x\n}',
  right: 'const width = 7\nmodel M {\n  input x: float[batch, width - 5]\n  output y = x\n}',
  say: ({ span, what, dim }) => ({
    message: `${what} has a size of ${dim}`,
    primary: { span, text: `this is ${dim}` },
  }),
}

export const notADim: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0336',
  severity: 'error',
  title: 'a size is needed',
  explanation: 'Sizes, ranges and indices are whole numbers or dims, known while compiling.',
  wrong: 'model M {\n  input x: float[batch, 2.5]\n  output y = x\n}',
  right: 'model M {\n  input x: float[batch, 2]\n  output y = x\n}',
  say: ({ span, given }) => ({
    message: `a whole number or a dim is needed here, and this is ${given}`,
    primary: { span, text: given },
  }),
}

export const dimOverflow: DiagnosticRow<{ span: Span; reason: string }> = {
  code: 'DLM0337',
  severity: 'error',
  title: 'a size is too large',
  explanation: 'Sizes are exact whole numbers up to 2^53, and their formulas stay within what a person could read.',
  wrong: 'model M {\n  input x: float[batch, 4294967296 * 4294967296]\n  output y = x\n}',
  right: 'model M {\n  input x: float[batch, 4096]\n  output y = x\n}',
  say: ({ span, reason }) => ({ message: `this size cannot be computed: ${reason}`, primary: { span, text: reason } }),
}

export const operationFault: DiagnosticRow<{ span: Span; reason: string }> = {
  code: 'DLM0338',
  severity: 'error',
  title: 'operands do not fit an operation',
  explanation:
    'A primitive operation states which shapes and dtypes it takes; the message says which of them is not met.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = unit_float(-random_bits([batch]))\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = unit_float(random_bits([batch]))\n}',
  say: ({ span, reason }) => ({ message: reason, primary: { span, text: 'here' } }),
}

export const notAScalar: DiagnosticRow<{ span: Span; what: 'loss' | 'metric'; given: string }> = {
  code: 'DLM0339',
  severity: 'error',
  title: 'a loss or metric is not one number',
  explanation:
    'A loss is one float, the thing that training makes small; a metric is one number to report. `mean` makes one of many.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = x\n  loss x * x\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = x\n  loss mean(x * x)\n}',
  say: ({ span, what, given }) => ({
    message: `a ${what} is one number, and this is ${given}`,
    primary: { span, text: given },
    help: { text: 'take the `mean` or the `sum`' },
  }),
}

export const variableType: DiagnosticRow<{ span: Span; kind: string; reason: string }> = {
  code: 'DLM0340',
  severity: 'error',
  title: 'a declaration has an unfit type',
  explanation: 'Inputs, targets, parameters and states are tensors with every dim written out.',
  wrong: 'model M {\n  input x: float\n  output y = x\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = x\n}',
  say: ({ span, kind, reason }) => ({
    message: `the type of this ${kind} does not fit: ${reason}`,
    primary: { span, text: reason },
  }),
}

export const initialShape: DiagnosticRow<{ span: Span; given: readonly number[]; wanted: readonly number[] }> = {
  code: 'DLM0341',
  severity: 'error',
  title: 'a first value has another shape than its variable',
  explanation:
    'A list after `=` gives every element; its shape is that of the declaration. One number fills the whole.',
  wrong: 'model M {\n  input x: float[batch, 2]\n  param w: float[2] = [1, 2, 3]\n  output y = x * w\n}',
  right: 'model M {\n  input x: float[batch, 2]\n  param w: float[2] = [1, 2]\n  output y = x * w\n}',
  say: ({ span, given, wanted }) => ({
    message: `the first value is [${given.join(', ')}], and the declared shape [${wanted.join(', ')}]`,
    primary: { span, text: `[${given.join(', ')}]` },
  }),
}

export const nextDiffers: DiagnosticRow<{ span: Span; name: string; given: string; declared: string; first: Span }> = {
  code: 'DLM0342',
  severity: 'error',
  title: 'the next value of a state has another type',
  explanation: 'A state keeps its shape and dtype from step to step.',
  wrong:
    'module Count() {\n  state total: float[] = zeros\n  forward(x: float[B]) {\n    next total = x\n    return x\n  }\n}\nmodel M {\n  input x: float[batch]\n  output y = x |> Count()\n}',
  right:
    'module Count() {\n  state total: float[] = zeros\n  forward(x: float[B]) {\n    next total = sum(x)\n    return x\n  }\n}',
  say: ({ span, name, given, declared, first }) => ({
    message: `the state ${name} is ${declared}, and its next value ${given}`,
    primary: { span, text: given },
    secondary: apart(span, [{ span: first, text: declared }]),
  }),
}

export const tupleThreaded: DiagnosticRow<{ span: Span; label: string }> = {
  code: 'DLM0343',
  severity: 'error',
  title: 'a stack of layers that give tuples',
  explanation:
    'A stack hands the result of each layer to the next as its first argument, so each must give one tensor.',
  wrong:
    'module Two() {\n  forward(x: float[B]) {\n    return (x, x)\n  }\n}\nmodel M {\n  input x: float[batch]\n  layer block = Two() * 2\n  let (a, b) = block(x)\n  output y = a\n}',
  right: 'module One() {\n  forward(x: float[B]) {\n    return x\n  }\n}',
  say: ({ span, label }) => ({
    message: `${label} gives a tuple, which a stack cannot hand on`,
    primary: { span, text: 'a tuple' },
  }),
}

export const expectationShapes: DiagnosticRow<{
  span: Span
  left: { span: Span; given: string }
  right: { span: Span; given: string }
}> = {
  code: 'DLM0344',
  severity: 'error',
  title: 'the sides of an expectation have different shapes',
  explanation:
    'A tensor equals a list only element by element, so both have one shape. A single number is compared with every element.',
  wrong: 'test "t" {\n  expect relu([-1, 2]) == [0, 2, 0]\n}',
  right: 'test "t" {\n  expect relu([-1, 2]) == [0, 2]\n}',
  say: ({ span, left, right }) => ({
    message: 'the two sides have different shapes',
    primary: { span, text: 'never equal' },
    secondary: apart(span, [
      { span: left.span, text: left.given },
      { span: right.span, text: right.given },
    ]),
  }),
}
