/** DLM02xx: names that are unknown, double or out of place. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'
import type { Fix, Label } from './diagnostic.ts'

/** `did you mean`, with the replacement, where a near name is known. */
function meant(suggestion: string | undefined, span: Span): { help?: Fix } {
  return suggestion === undefined
    ? {}
    : { help: { text: `did you mean \`${suggestion}\`?`, edit: { span, replacement: suggestion } } }
}
const declaredAt = (declared: Span | undefined, text: string): Label[] => (declared ? [{ span: declared, text }] : [])
const listed = (what: string, known: readonly string[]): string[] => {
  if (known.length === 0) return []
  return [
    `${what} ${known
      .slice(0, 12)
      .map((k) => `\`${k}\``)
      .join(', ')}${known.length > 12 ? ` and ${known.length - 12} more` : ''}`,
  ]
}

export const unknownName: DiagnosticRow<{ span: Span; name: string; suggestion: string | undefined }> = {
  code: 'DLM0201',
  severity: 'error',
  title: 'a name is unknown',
  explanation:
    'A name must be a parameter, a `let`, a declaration of this file, something imported, or a part of the standard library. Dim names are known from the signature that binds them onwards.',
  wrong: 'fn twice(x: float[...]) -> float[...] {\n  return 2 * y\n}',
  right: 'fn twice(x: float[...]) -> float[...] {\n  return 2 * x\n}',
  say: ({ span, name, suggestion }) => ({
    message: `there is no \`${name}\` here`,
    primary: { span, text: 'unknown name' },
    ...meant(suggestion, span),
  }),
}

export const declaredTwice: DiagnosticRow<{ span: Span; name: string; what: string; first: Span }> = {
  code: 'DLM0202',
  severity: 'error',
  title: 'a name is declared twice',
  explanation:
    'Declarations of a file, and the layers, parameters and states of one module, have different names: the names make the paths under which weights are saved. Only `let` may shadow.',
  wrong: 'const width = 3\nconst width = 4',
  right: 'const width = 3\nconst height = 4',
  say: ({ span, name, what, first }) => ({
    message: `the ${what} \`${name}\` is declared twice`,
    primary: { span, text: 'declared again' },
    secondary: [{ span: first, text: 'first declared here' }],
    help: { text: 'give one of them another name' },
  }),
}

export const unknownArgument: DiagnosticRow<{
  span: Span
  name: string
  label: string
  declared: Span | undefined
  known: readonly string[]
  suggestion: string | undefined
}> = {
  code: 'DLM0203',
  severity: 'error',
  title: 'a call names a parameter that does not exist',
  explanation: 'A named argument must carry the name of a parameter of what is called.',
  wrong:
    'fn scaled(x: float[...], by: float) -> float[...] {\n  return x * by\n}\nmodel M {\n  input x: float[batch]\n  output y = scaled(x, factor: 2)\n}',
  right:
    'fn scaled(x: float[...], by: float) -> float[...] {\n  return x * by\n}\nmodel M {\n  input x: float[batch]\n  output y = scaled(x, by: 2)\n}',
  say: ({ span, name, label, declared, known, suggestion }) => ({
    message: `\`${label}\` has no parameter \`${name}\``,
    primary: { span, text: 'no such parameter' },
    secondary: declaredAt(declared, 'declared here'),
    notes: listed('it takes', known),
    ...meant(suggestion, span),
  }),
}

export const missingArgument: DiagnosticRow<{
  span: Span
  label: string
  name: string
  declared: Span | undefined
  signature?: string
}> = {
  code: 'DLM0204',
  severity: 'error',
  title: 'a call lacks an argument',
  explanation: 'A parameter without a default must be given, by position or by name.',
  wrong: 'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear()\n}',
  right: 'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear(2)\n}',
  say: ({ span, label, name, declared, signature }) => ({
    message: `${label} needs \`${name}\``,
    primary: { span, text: `\`${name}\` is missing` },
    secondary: declaredAt(declared, `${name} of ${label}`),
    notes: signature ? [`its signature is \`${signature}\``] : [],
    help: { text: `add \`${name}: …\`, or give it by position` },
  }),
}

export const tooManyArguments: DiagnosticRow<{
  span: Span
  label: string
  declared: Span | undefined
  takes: number
  given: number
}> = {
  code: 'DLM0205',
  severity: 'error',
  title: 'a call has too many arguments',
  explanation:
    'A call gives at most one argument for each parameter. In a pipeline the piped value is the first argument.',
  wrong:
    'fn half(x: float[...]) -> float[...] {\n  return x / 2\n}\nmodel M {\n  input x: float[batch]\n  output y = half(x, 3)\n}',
  right:
    'fn half(x: float[...]) -> float[...] {\n  return x / 2\n}\nmodel M {\n  input x: float[batch]\n  output y = half(x)\n}',
  say: ({ span, label, declared, takes, given }) => ({
    message: `${label} takes ${takes} argument${takes === 1 ? '' : 's'} and is given ${given}`,
    primary: { span, text: 'one too many' },
    secondary: declaredAt(declared, 'declared here'),
    notes: ['in a pipeline the piped value counts as the first argument'],
  }),
}

export const argumentTwice: DiagnosticRow<{ span: Span; name: string; label: string; first: Span }> = {
  code: 'DLM0206',
  severity: 'error',
  title: 'a call gives an argument twice',
  explanation: 'Each parameter is given once, by position or by name.',
  wrong:
    'fn scaled(x: float[...], by: float) -> float[...] {\n  return x * by\n}\nmodel M {\n  input x: float[batch]\n  output y = scaled(x, by: 2, by: 3)\n}',
  right:
    'fn scaled(x: float[...], by: float) -> float[...] {\n  return x * by\n}\nmodel M {\n  input x: float[batch]\n  output y = scaled(x, by: 2)\n}',
  say: ({ span, name, label, first }) => ({
    message: `\`${name}\` of ${label} is given twice`,
    primary: { span, text: 'given again' },
    secondary: [{ span: first, text: 'first given here' }],
  }),
}

export const notCallable: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0207',
  severity: 'error',
  title: 'something that is no function is called',
  explanation:
    'Functions, layers, modules, stacks and chains can be called or be stages of a pipeline; tensors and numbers cannot.',
  wrong: 'const width = 3\nmodel M {\n  input x: float[batch]\n  output y = width(x)\n}',
  right: 'const width = 3\nmodel M {\n  input x: float[batch]\n  output y = width * x\n}',
  say: ({ span, given }) => ({ message: `${given} cannot be called`, primary: { span, text: `this is ${given}` } }),
}

export const unknownMember: DiagnosticRow<{
  span: Span
  name: string
  object: string
  known: readonly string[]
  suggestion: string | undefined
}> = {
  code: 'DLM0208',
  severity: 'error',
  title: 'a value has no part of that name',
  explanation:
    'A dot reaches the named parts of a tuple and the layers inside a layer. The sizes of a tensor are `shape(x)`.',
  wrong:
    'fn halves(x: float[...]) {\n  return (low: x / 2, high: x * 2)\n}\nmodel M {\n  input x: float[batch]\n  output y = halves(x).middle\n}',
  right:
    'fn halves(x: float[...]) {\n  return (low: x / 2, high: x * 2)\n}\nmodel M {\n  input x: float[batch]\n  output y = halves(x).low\n}',
  say: ({ span, name, object, known, suggestion }) => ({
    message: `${object} has no part \`${name}\``,
    primary: { span, text: 'no such part' },
    notes: listed('it has', known),
    ...(name === 'shape' && known.length === 0
      ? { help: { text: 'the sizes of a tensor are `shape(x)`' } }
      : meant(suggestion, span)),
  }),
}

export const importMissing: DiagnosticRow<{ span: Span; path: string }> = {
  code: 'DLM0209',
  severity: 'error',
  title: 'an imported file is not there',
  explanation: 'The path of an `import` is relative to the file that holds it.',
  wrong: 'import "missing.dlm"',
  right: 'import "layers.dlm"',
  say: ({ span, path }) => ({
    message: `there is no file ${JSON.stringify(path)}`,
    primary: { span, text: 'not found' },
    help: { text: 'the path is relative to this file' },
  }),
}

export const importCycle: DiagnosticRow<{ span: Span; cycle: readonly string[] }> = {
  code: 'DLM0210',
  severity: 'error',
  title: 'files import each other in a circle',
  explanation: 'A file cannot import itself, directly or through others. What both need belongs into a third file.',
  wrong: 'import "itself.dlm" // in itself.dlm',
  right: 'import "shared.dlm"',
  say: ({ span, cycle }) => ({
    message: 'these files import each other',
    primary: { span, text: 'closes the circle' },
    notes: [cycle.join(' → ')],
    help: { text: 'move what both need into a file of its own' },
  }),
}

export const importUnknown: DiagnosticRow<{ span: Span; name: string; path: string; suggestion: string | undefined }> =
  {
    code: 'DLM0211',
    severity: 'error',
    title: 'an imported file has no declaration of that name',
    explanation:
      'Names in braces must be declared in the file that is imported; what that file itself imports is not passed on.',
    wrong: 'import { Encodr } from "encoder.dlm"',
    right: 'import { Encoder } from "encoder.dlm"',
    say: ({ span, name, path, suggestion }) => ({
      message: `${JSON.stringify(path)} declares no \`${name}\``,
      primary: { span, text: 'not declared there' },
      ...meant(suggestion, span),
    }),
  }

export const importForbidden: DiagnosticRow<{ span: Span; reason: string }> = {
  code: 'DLM0212',
  severity: 'error',
  title: 'an import path is not allowed',
  explanation:
    'Imports stay inside the project: paths are relative, with `/` between folders, and do not lead above the folder of the first file.',
  wrong: 'import "/etc/passwd"',
  right: 'import "layers/encoder.dlm"',
  say: ({ span, reason }) => ({ message: `this path cannot be imported: ${reason}`, primary: { span, text: reason } }),
}

export const unknownType: DiagnosticRow<{ span: Span; name: string; known: readonly string[] }> = {
  code: 'DLM0213',
  severity: 'error',
  title: 'a type is unknown',
  explanation:
    'Tensors are `float[…]`, `int[…]`, `bool[…]`, `uint[…]` or `tensor[…]` (any of them). Hyperparameters are `int`, `float`, `bool`, `string`, `list`, `module`, `function` or `any`.',
  wrong: 'fn f(x: double[N]) {\n  return x\n}\nmodel M {\n  input x: float[batch]\n  output y = f(x)\n}',
  right: 'fn f(x: float[N]) {\n  return x\n}\nmodel M {\n  input x: float[batch]\n  output y = f(x)\n}',
  say: ({ span, name, known }) => ({
    message: `there is no type \`${name}\` here`,
    primary: { span, text: 'unknown type' },
    notes: listed('this place takes', known),
  }),
}

export const misplaced: DiagnosticRow<{ span: Span; what: string; where: string }> = {
  code: 'DLM0214',
  severity: 'error',
  title: 'a statement is out of place',
  explanation:
    '`input`, `target`, `output`, `loss` and `metric` belong to a model; `param`, `state` and `layer` to a model or a module; `return` to a function or `forward`; `expect` to a test.',
  wrong:
    'fn f(x: float[...]) -> float[...] {\n  param w: float[3] = zeros\n  return x\n}\nmodel M {\n  input x: float[batch]\n  output y = f(x)\n}',
  right:
    'module F() {\n  forward(x: float[B, 3]) -> float[B, 3] {\n    param w: float[3] = zeros\n    return x + w\n  }\n}',
  say: ({ span, what, where }) => ({
    message: `${what} cannot stand ${where}`,
    primary: { span, text: 'out of place' },
  }),
}

export const noReturn: DiagnosticRow<{ span: Span; name: string }> = {
  code: 'DLM0215',
  severity: 'error',
  title: 'a function ends without a result',
  explanation: 'Every function and every `forward` ends with a `return`, on whichever branch of its static conditions.',
  wrong: 'fn f(x: float[...]) {\n  let y = x\n}\nmodel M {\n  input x: float[batch]\n  output y = f(x)\n}',
  right: 'fn f(x: float[...]) {\n  return x\n}\nmodel M {\n  input x: float[batch]\n  output y = f(x)\n}',
  say: ({ span, name }) => ({
    message: `${name} ends without \`return\``,
    primary: { span, text: 'nothing is returned' },
  }),
}

export const noForward: DiagnosticRow<{ span: Span; name: string; declared: Span }> = {
  code: 'DLM0216',
  severity: 'error',
  title: 'a module without `forward` is called',
  explanation: '`forward` says what a layer computes; a module without one cannot be applied.',
  wrong: 'module Empty() {\n}\nmodel M {\n  input x: float[batch]\n  output y = x |> Empty()\n}',
  right: 'module Same() {\n  forward(x: float[...]) -> float[...] {\n    return x\n  }\n}',
  say: ({ span, name, declared }) => ({
    message: `${name} has no \`forward\``,
    primary: { span, text: 'called here' },
    secondary: [{ span: declared, text: 'declared without `forward`' }],
  }),
}

export const unknownState: DiagnosticRow<{ span: Span; name: string; known: readonly string[] }> = {
  code: 'DLM0217',
  severity: 'error',
  title: '`next` names no state',
  explanation: '`next` gives a `state` of the same module (or a carry of the enclosing scan) its next value.',
  wrong:
    'module Count() {\n  forward(x: float[B]) -> float[B] {\n    next total = sum(x)\n    return x\n  }\n}\nmodel M {\n  input x: float[batch]\n  output y = x |> Count()\n}',
  right:
    'module Count() {\n  state total: float[] = zeros\n  forward(x: float[B]) -> float[B] {\n    next total = total + sum(x)\n    return x\n  }\n}',
  say: ({ span, name, known }) => ({
    message: `there is no state \`${name}\` in this module`,
    primary: { span, text: 'no such state' },
    notes: listed('its states are', known),
    help: { text: `declare it: \`state ${name}: float[…] = zeros\`` },
  }),
}

export const constantCycle: DiagnosticRow<{ span: Span; name: string; declared: Span }> = {
  code: 'DLM0218',
  severity: 'error',
  title: 'a constant depends on itself',
  explanation: 'The value of a `const` cannot need that same value.',
  wrong: 'const a = b + 1\nconst b = a',
  right: 'const a = 1\nconst b = a + 1',
  say: ({ span, name, declared }) => ({
    message: `the constant \`${name}\` depends on itself`,
    primary: { span, text: 'needs its own value' },
    secondary: [{ span: declared, text: 'declared here' }],
  }),
}

export const notALayer: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0219',
  severity: 'error',
  title: '`layer` is given something that is no layer',
  explanation:
    'A `layer` is made from a module with its hyperparameters, a chain, a stack or a list of these; a tensor or a function is bound with `let`.',
  wrong: 'model M {\n  input x: float[batch]\n  layer act = relu\n  output y = act(x)\n}',
  right: 'model M {\n  input x: float[batch, 4]\n  layer head = Linear(2)\n  output y = head(x)\n}',
  say: ({ span, given }) => ({
    message: `${given} is no layer`,
    primary: { span, text: `this is ${given}` },
    help: { text: 'bind it with `let`' },
  }),
}

export const stageNamed: DiagnosticRow<{ span: Span; given: string }> = {
  code: 'DLM0220',
  severity: 'error',
  title: 'a stage that makes no layer is named',
  explanation:
    'A name in a pipeline (`|> head: Linear(10)`) is the path of the layer made there. A function keeps nothing, so there is nothing to name.',
  wrong: 'model M {\n  input x: float[batch]\n  output y = x |> act: relu\n}',
  right: 'model M {\n  input x: float[batch, 4]\n  output y = x |> head: Linear(2)\n}',
  say: ({ span, given }) => ({
    message: `only a layer made here can be named, and this is ${given}`,
    primary: { span, text: 'names nothing' },
    help: { text: 'leave the name out' },
  }),
}

export const modelCalled: DiagnosticRow<{ span: Span; name: string }> = {
  code: 'DLM0221',
  severity: 'error',
  title: 'a model is called like a layer',
  explanation: 'A `model` is a whole program with inputs and losses. What several models share is a `module`.',
  wrong:
    'model A {\n  input x: float[batch]\n  output y = x\n}\nmodel B {\n  input x: float[batch]\n  output y = A(x)\n}',
  right:
    'fn body(x: float[...]) -> float[...] {\n  return x\n}\nmodel A {\n  input x: float[batch]\n  output y = body(x)\n}',
  say: ({ span, name }) => ({
    message: `the model ${name} cannot be called`,
    primary: { span, text: 'called here' },
    help: { text: 'put the shared part into a `module`' },
  }),
}

export const noSuchPath: DiagnosticRow<{
  span: Span
  pattern: string
  model: string
  known: readonly string[]
  suggestion: string | undefined
}> = {
  code: 'DLM0222',
  severity: 'error',
  title: 'a model has nothing at a path',
  explanation:
    'Paths are those of `dlmc inspect`: `encoder.block[3].attention.wq.weight`; `*` stands for any part of one.',
  wrong:
    'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear(2)\n}\ntest "count" {\n  expect parameters(M, "conv_1.*") == 10\n}',
  right:
    'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear(2)\n}\ntest "count" {\n  expect parameters(M, "linear_1.*") == 10\n}',
  say: ({ span, pattern, model, known, suggestion }) => ({
    message: `${model} has nothing at ${JSON.stringify(pattern)}`,
    primary: { span, text: 'no such path' },
    notes: listed('it has', known),
    ...(suggestion !== undefined && {
      help: {
        text: `did you mean ${JSON.stringify(suggestion)}?`,
        edit: { span, replacement: JSON.stringify(suggestion) },
      },
    }),
  }),
}

export const noSuchModel: DiagnosticRow<{ span: Span | undefined; name: string; suggestion: string | undefined }> = {
  code: 'DLM0223',
  severity: 'error',
  title: 'there is no model of that name',
  explanation: 'A model is named as it is declared: `model Softmax { … }` is `Softmax`.',
  wrong: 'dlmc inspect mnist.dlm --model Sofmax',
  right: 'dlmc inspect mnist.dlm --model Softmax',
  say: ({ span, name, suggestion }) => ({
    message: `there is no model \`${name}\``,
    ...(span && { primary: { span, text: 'no such model' } }),
    ...(suggestion !== undefined && { help: { text: `did you mean \`${suggestion}\`?` } }),
  }),
}

export const badOptimizer: DiagnosticRow<{ span: Span; name: string; reason: string }> = {
  code: 'DLM0224',
  severity: 'error',
  title: 'a module does not fit as an optimizer',
  explanation:
    'An optimizer is a module with `forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N]`. It works on all parameters as one flat run, so its states are `float[N]` and begin at one number.',
  wrong:
    'module whole() {\n  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[] {\n    return sum(param - rate * grad)\n  }\n}\nmodel M {\n  input x: float[batch, 4]\n  output y = x |> Linear(1)\n  loss mean(y * y)\n}\ntrain {\n  model: M\n  optimizer: whole(lr: 0.1)\n  steps: 10\n}',
  right:
    'module plain() {\n  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {\n    return param - rate * grad\n  }\n}',
  say: ({ span, name, reason }) => ({ message: `${name} is no optimizer: ${reason}`, primary: { span, text: reason } }),
}
