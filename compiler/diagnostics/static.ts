/** DLM04xx: what cannot be evaluated while compiling. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'

const path = (calls: readonly string[]): string[] => (calls.length === 0 ? [] : [`in ${calls.join(' → ')}`])

export const notStatic: DiagnosticRow<{ span: Span; what: string }> = {
  code: 'DLM0401',
  severity: 'error',
  title: 'a value is not known while compiling',
  explanation:
    'Hyperparameters, constants, settings, the bounds of `for` and shapes are evaluated while compiling. What depends on data, or on a free dim, is not known then.',
  wrong: 'model M {\n  input x: float[batch, T]\n  for i in 0..T {\n    let x = x + 1\n  }\n  output y = x\n}',
  right: 'model M {\n  input x: float[batch, T]\n  for i in 0..4 {\n    let x = x + 1\n  }\n  output y = x\n}',
  say: ({ span, what }) => ({
    message: `this must be known while compiling, and ${what} is not`,
    primary: { span, text: 'not known while compiling' },
  }),
}

export const undecided: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0402',
  severity: 'error',
  title: 'a condition depends on data',
  explanation:
    '`if` chooses what is compiled. A choice that depends on data is `where(condition, a, b)`, element by element.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = if x > 0 then x else 0\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = where(x > 0, x, 0)\n}',
  say: ({ span, given }) => ({
    message: `this condition is not known while compiling: it is ${given}`,
    primary: { span, text: given },
    help: { text: 'choose between tensors with `where(condition, a, b)`' },
  }),
}

export const notACondition: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0403',
  severity: 'error',
  title: 'a condition is neither true nor false',
  explanation: 'Conditions are truth values; numbers are compared (`n > 0`), optional values tested (`mask != none`).',
  wrong: 'const n = 3\nmodel M {\n  input x: float[batch]\n  output y = if n then x else -x\n}',
  right: 'const n = 3\nmodel M {\n  input x: float[batch]\n  output y = if n > 0 then x else -x\n}',
  say: ({ span, given }) => ({
    message: `a condition is true or false, and this is ${given}`,
    primary: { span, text: given },
  }),
}

export const divisionByZero: DiagnosticRow<{ span: Span }> = {
  code: 'DLM0404',
  severity: 'error',
  title: 'a division by zero',
  explanation: 'A number or dim known while compiling is divided by 0.',
  wrong: 'const a = 1 / 0',
  right: 'const a = 1 / 2',
  say: ({ span }) => ({ message: 'this divides by zero', primary: { span, text: 'the divisor is 0' } }),
}

interface Side {
  readonly span: Span
  readonly given: string
}
export const badOperands: DiagnosticRow<{ span: Span; operator: string; left: Side; right: Side }> = {
  code: 'DLM0405',
  severity: 'error',
  title: 'an operator does not take these operands',
  explanation:
    'Arithmetic takes numbers and tensors; `+` also joins lists or strings, `*` repeats a list or stacks a layer; `and` and `or` take truth values.',
  wrong: 'const a = "x" * 2',
  right: 'const a = 3 * 2',
  say: ({ span, operator, left, right }) => ({
    message: `\`${operator}\` does not take ${left.given} and ${right.given}`,
    primary: { span, text: 'not defined for these' },
    secondary: [
      { span: left.span, text: left.given },
      { span: right.span, text: right.given },
    ],
  }),
}

export const badOperand: DiagnosticRow<{ span: Span; operator: string; given: string }> = {
  code: 'DLM0406',
  severity: 'error',
  title: 'an operator does not take this operand',
  explanation: '`-x` takes numbers and tensors of numbers, `not x` truth values.',
  wrong: 'const a = -"x"',
  right: 'const a = -3',
  say: ({ span, operator, given }) => ({
    message: `\`${operator}\` does not take ${given}`,
    primary: { span, text: given },
  }),
}

export const requireFailed: DiagnosticRow<{ span: Span; message: string; calls: readonly Span[] }> = {
  code: 'DLM0407',
  severity: 'error',
  title: 'a requirement is not met',
  explanation:
    "`require` states what a module or function needs of its hyperparameters and shapes; the message is the author's.",
  wrong:
    'module Halves(dim: int) {\n  require dim % 2 == 0, "dim must be even"\n  forward(x: float[B, dim]) {\n    return x\n  }\n}\nmodel M {\n  input x: float[batch, 3]\n  output y = x |> Halves(3)\n}',
  right:
    'module Halves(dim: int) {\n  require dim % 2 == 0, "dim must be even"\n  forward(x: float[B, dim]) {\n    return x\n  }\n}\nmodel M {\n  input x: float[batch, 4]\n  output y = x |> Halves(4)\n}',
  say: ({ span, message, calls: [call] }) => ({
    message: message || 'a requirement is not met',
    primary: call ? { span: call, text: 'asked for here' } : { span, text: 'does not hold' },
    secondary: call ? [{ span, text: 'this requirement does not hold' }] : [],
  }),
}

export const tooMuchWork: DiagnosticRow<{ span: Span; steps: number; calls: readonly string[] }> = {
  code: 'DLM0408',
  severity: 'error',
  title: 'a program takes too long to unroll',
  explanation:
    'Loops, stacks and calls are unrolled while compiling. A program that needs millions of steps for that would be too large to run; time and data belong into tensors or a `scan`.',
  wrong: 'model M {\n  input x: float[batch]\n  for i in 0..1000000000 {\n    let x = x + 1\n  }\n  output y = x\n}',
  right: 'model M {\n  input x: float[batch]\n  output y = x + 1000000000\n}',
  say: ({ span, steps, calls }) => ({
    message: `unrolling this program takes more than ${steps.toLocaleString('en')} steps`,
    primary: { span, text: 'given up here' },
    notes: path(calls),
  }),
}

export const tooDeep: DiagnosticRow<{ span: Span; depth: number; calls: readonly string[] }> = {
  code: 'DLM0409',
  severity: 'error',
  title: 'calls or layers are nested without end',
  explanation:
    'A function or module that contains itself must come to an end by a static condition. Nesting is limited, so that an endless one is found.',
  wrong:
    'module Endless() {\n  layer inner = Endless()\n  forward(x: float[B]) {\n    return inner(x)\n  }\n}\nmodel M {\n  input x: float[batch]\n  output y = x |> Endless()\n}',
  right:
    'module Nested(depth: int) {\n  forward(x: float[B]) {\n    if depth > 0 {\n      let x = x |> Nested(depth - 1)\n    }\n    return x\n  }\n}',
  say: ({ span, depth, calls }) => ({
    message: `calls and layers are nested more than ${depth} deep`,
    primary: { span, text: 'one more would be made here' },
    notes: path(calls),
    help: { text: 'end the recursion with a static `if`' },
  }),
}

export const tooManyNodes: DiagnosticRow<{ span: Span; nodes: number }> = {
  code: 'DLM0410',
  severity: 'error',
  title: 'a model is too large',
  explanation:
    'A model is one graph of operations; beyond a hundred thousand of them it could not be compiled in reasonable time.',
  wrong: 'a `for` of a million turns that makes new operations in each',
  right: 'one operation over a tensor with an axis for them',
  say: ({ span, nodes }) => ({
    message: `the model has more than ${nodes.toLocaleString('en')} operations`,
    primary: { span, text: 'given up here' },
  }),
}

export const listTooLong: DiagnosticRow<{ span: Span; limit: number }> = {
  code: 'DLM0411',
  severity: 'error',
  title: 'a list is too long',
  explanation: 'Lists hold hyperparameters and sizes, not data; data comes from files.',
  wrong: 'const a = [0] * 100000000',
  right: 'const a = [0] * 8',
  say: ({ span, limit }) => ({
    message: `this list would have more than ${limit.toLocaleString('en')} items`,
    primary: { span, text: 'too long' },
  }),
}

export const badStack: DiagnosticRow<{ span: Span; given: string; limit: number }> = {
  code: 'DLM0412',
  severity: 'error',
  title: 'the size of a stack does not make sense',
  explanation: '`Block(…) * n` makes n layers, one after the other; n is a whole number known while compiling.',
  wrong: 'model M {\n  input x: float[batch, 4]\n  layer block = Linear(4) * 2.5\n  output y = block(x)\n}',
  right: 'model M {\n  input x: float[batch, 4]\n  layer block = Linear(4) * 2\n  output y = block(x)\n}',
  say: ({ span, given, limit }) => ({
    message: `a stack takes a whole number of layers from 0 to ${limit.toLocaleString('en')}, and this is ${given}`,
    primary: { span, text: given },
  }),
}

export const badValue: DiagnosticRow<{ span: Span; reason: string }> = {
  code: 'DLM0413',
  severity: 'error',
  title: 'a value makes no sense here',
  explanation: 'A function was given a value of the right kind that it cannot work with; the message says why.',
  wrong:
    'model M {\n  input x: float[batch, 4]\n  output y = rearrange(window(x, axis: 1, size: 0), "b o k -> b (o k)")\n}',
  right:
    'model M {\n  input x: float[batch, 4]\n  output y = rearrange(window(x, axis: 1, size: 2), "b o k -> b (o k)")\n}',
  say: ({ span, reason }) => ({ message: reason, primary: { span, text: 'this value' } }),
}

export const unpackMismatch: DiagnosticRow<{ span: Span; names: number; given: string }> = {
  code: 'DLM0414',
  severity: 'error',
  title: 'a value cannot be taken apart into these names',
  explanation: '`let (a, b) = …` takes a tuple or a list with exactly as many parts as there are names.',
  wrong: 'model M {\n  input x: float[batch, 6]\n  let (a, b) = split(x, 3)\n  output y = a + b\n}',
  right: 'model M {\n  input x: float[batch, 6]\n  let (a, b, c) = split(x, 3)\n  output y = a + b + c\n}',
  say: ({ span, names, given }) => ({
    message: `${given} cannot be taken apart into ${names} names`,
    primary: { span, text: given },
  }),
}

export const notIterable: DiagnosticRow<{ span: Span; given: string; isCount?: boolean }> = {
  code: 'DLM0415',
  severity: 'error',
  title: 'something that is no list is gone through',
  explanation: '`for` goes through a range `0..n` or a list.',
  wrong: 'model M {\n  input x: float[batch]\n  for i in 5 {\n    let x = x + i\n  }\n  output y = x\n}',
  right: 'model M {\n  input x: float[batch]\n  for i in 0..5 {\n    let x = x + i\n  }\n  output y = x\n}',
  say: ({ span, given, isCount }) => {
    const written = span.source.text.slice(span.start, span.end)
    const range = `0..${/^\w+$/.test(written) ? written : `(${written})`}`
    return {
      message: `a range or a list is needed here, and this is ${given}`,
      primary: { span, text: given },
      ...(isCount && { help: { text: `count with a range: \`${range}\``, edit: { span, replacement: range } } }),
    }
  },
}

export const notIndexable: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0416',
  severity: 'error',
  title: 'something without items is indexed',
  explanation: 'Tensors, lists, tuples and stacks can be indexed.',
  wrong: 'const a = true\nconst b = none[0]',
  right: 'const a = [1, 2]\nconst b = a[0]',
  say: ({ span, given }) => ({ message: `${given} cannot be indexed like this`, primary: { span, text: given } }),
}

export const badInitial: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0417',
  severity: 'error',
  title: 'a first value makes no sense',
  explanation:
    'A parameter or state begins as `zeros`, `ones`, `full(v)`, `uniform(…)`, `normal(…)`, `truncated_normal(…)`, a number or a list of numbers.',
  wrong: 'model M {\n  input x: float[batch]\n  param w: float[] = relu\n  output y = x * w\n}',
  right: 'model M {\n  input x: float[batch]\n  param w: float[] = ones\n  output y = x * w\n}',
  say: ({ span, given }) => ({
    message: `${given} is no first value`,
    primary: { span, text: given },
    help: { text: 'write `zeros`, `uniform(…)`, `normal(…)` or a number' },
  }),
}

export const randomInTest: DiagnosticRow<{ span: Span; name: string; test: Span }> = {
  code: 'DLM0418',
  severity: 'error',
  title: 'a test draws random numbers',
  explanation:
    'Expectations hold always or never, so tests run over fixed values: parameters must begin at `zeros`, `ones`, `full(v)` or a list.',
  wrong: 'test "t" {\n  let y = [[1, 2]] |> Linear(3)\n  expect shape(y) == [1, 3]\n}',
  right: 'test "t" {\n  expect shape([[1, 2]] @ [[1, 2, 3], [4, 5, 6]]) == [1, 3]\n}',
  say: ({ span, name, test }) => ({
    message: `${name} is random, and a test is not`,
    primary: { span, text: 'random' },
    secondary: [{ span: test, text: 'in this test' }],
  }),
}

export const closeOutsideExpect: DiagnosticRow<{ span: Span }> = {
  code: 'DLM0419',
  severity: 'error',
  title: '`~=` stands outside an expectation',
  explanation: '`a ~= b within t` belongs to `expect`. Elsewhere compare the difference: `abs(a - b) <= t`.',
  wrong: 'test "t" {\n  let close = 1 ~= 2\n  expect close\n}',
  right: 'test "t" {\n  expect 1.0 ~= 1.0 within 1e-3\n}',
  say: ({ span }) => ({
    message: '`~=` belongs directly to an `expect`',
    primary: { span, text: 'not in an expectation' },
  }),
}

export const toleranceWithoutClose: DiagnosticRow<{ span: Span; operator: string }> = {
  code: 'DLM0420',
  severity: 'error',
  title: '`within` stands at an exact comparison',
  explanation: '`within` says how far apart the sides of `~=` may be; other comparisons are exact.',
  wrong: 'test "t" {\n  expect 1 == 1 within 1e-3\n}',
  right: 'test "t" {\n  expect 1 ~= 1 within 1e-3\n}',
  say: ({ span, operator }) => ({
    message: `\`within\` does not go with \`${operator}\``,
    primary: { span, text: 'a tolerance' },
    help: { text: 'compare with `~=`' },
  }),
}

export const badTolerance: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0421',
  severity: 'error',
  title: 'a tolerance is no number',
  explanation: 'After `within` stands a number of at least 0, known while compiling.',
  wrong: 'test "t" {\n  expect 1 ~= 1 within -1\n}',
  right: 'test "t" {\n  expect 1 ~= 1 within 1e-3\n}',
  say: ({ span, given }) => ({
    message: `a tolerance is a number of at least 0, and this is ${given}`,
    primary: { span, text: given },
  }),
}

export const faultyModel: DiagnosticRow<{ span: Span; name: string }> = {
  code: 'DLM0422',
  severity: 'error',
  title: 'a model that is asked about has faults',
  explanation:
    'A test that counts parameters or looks at shapes needs a model without faults, and values for hyperparameters that have no default.',
  wrong:
    'model M(width: int) {\n  input x: float[batch, width]\n  output y = x\n}\ntest "t" {\n  expect parameters(M) == 0\n}',
  right:
    'model M(width: int = 4) {\n  input x: float[batch, width]\n  output y = x\n}\ntest "t" {\n  expect parameters(M) == 0\n}',
  say: ({ span, name }) => ({
    message: `the model ${name} cannot be elaborated`,
    primary: { span, text: 'its own faults, or hyperparameters without defaults' },
  }),
}

export const unusedValue: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0423',
  severity: 'warning',
  title: 'a value is not used',
  explanation:
    'An expression that stands alone changes nothing: values are immutable. Bind it with `let`, or return it.',
  wrong: 'model M {\n  input x: float[batch]\n  relu(x)\n  output y = x\n}',
  right: 'model M {\n  input x: float[batch]\n  let x = relu(x)\n  output y = x\n}',
  say: ({ span, given }) => ({
    message: 'this value is not used',
    primary: { span, text: given },
    help: { text: 'bind it: `let y = …`' },
  }),
}
