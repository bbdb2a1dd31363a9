/** DLM043x: recurrences. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'

const model = (body: string): string =>
  `model M {\n  input x: float[batch, T, 4]\n  ${body.replaceAll('\n', '\n  ')}\n  output y = h\n}`
const step = 'carry h: float[batch, 4] = zeros\n{\n  next h = h + x_t\n}'
const right = model(`scan x_t in x along T\n  ${step}`)

export const alongMissing: DiagnosticRow<{ span: Span; given: string; along: Span; length: string }> = {
  code: 'DLM0430',
  severity: 'error',
  title: 'a scanned tensor has no axis of that length',
  explanation: '`scan x_t in x along T` takes `x` apart along its axis of length T; the other axes stay.',
  wrong: model('scan x_t in sum(x, axis: 1) along T\n  carry h: float[batch, 4] = zeros\n{\n  next h = h + x_t\n}'),
  right,
  say: ({ span, given, along, length }) => ({
    message: `no axis of ${given} is ${length} long`,
    primary: { span, text: given },
    secondary: [{ span: along, text: `scanned along ${length}` }],
  }),
}

export const alongAmbiguous: DiagnosticRow<{
  span: Span
  given: string
  along: Span
  length: string
  axes: readonly number[]
}> = {
  code: 'DLM0431',
  severity: 'error',
  title: 'several axes have the length that is scanned',
  explanation:
    'The scanned axis is found by its length, or by its name in the type that the tensor was declared with. Where neither tells the axes apart, `along axis: 1` says which is meant.',
  wrong:
    'model M {\n  input x: float[T, T, 4]\n  scan x_t in 2 * x along T\n    carry h: float[T, 4] = zeros\n  {\n    next h = h + x_t\n  }\n  output y = h\n}',
  right:
    'model M {\n  input x: float[T, T, 4]\n  scan x_t in 2 * x along axis: 1\n    carry h: float[T, 4] = zeros\n  {\n    next h = h + x_t\n  }\n  output y = h\n}',
  say: ({ span, given, along, length, axes }) => ({
    message: `axes ${axes.join(' and ')} of ${given} are both ${length} long`,
    primary: { span, text: given },
    secondary: [{ span: along, text: `scanned along ${length}` }],
    help: { text: `say which: \`along axis: ${axes.at(-1)}\`` },
  }),
}

interface Scanned {
  readonly span: Span
  readonly given: string
  readonly length: string
}
export const lengthsDiffer: DiagnosticRow<{ axis: number; first: Scanned; second: Scanned }> = {
  code: 'DLM0432',
  severity: 'error',
  title: 'tensors of different length are scanned together',
  explanation: 'A scan takes one element of each of its inputs in every step, so they are equally long.',
  wrong:
    'model M {\n  input x: float[batch, T]\n  input z: float[batch, S]\n  scan x_t in x, z_t in z along axis: 1\n    carry h: float[batch] = zeros\n  {\n    next h = h + x_t * z_t\n  }\n  output y = h\n}',
  right:
    'model M {\n  input x: float[batch, T]\n  input z: float[batch, T]\n  scan x_t in x, z_t in z along T\n    carry h: float[batch] = zeros\n  {\n    next h = h + x_t * z_t\n  }\n  output y = h\n}',
  say: ({ axis, first, second }) => ({
    message: `along axis ${axis}, one is ${first.length} and the other ${second.length} long`,
    primary: { span: second.span, text: second.given },
    secondary: [{ span: first.span, text: first.given }],
  }),
}

export const badLength: DiagnosticRow<{ span: Span; given: string; reason: string }> = {
  code: 'DLM0433',
  severity: 'error',
  title: '`along` names no length',
  explanation:
    '`along T` takes a dim. `along axis: 1` takes the number of an axis, and needs a tensor to scan; a scan without one counts: `scan along 10`.',
  wrong: model(`scan x_t in x along "T"\n  ${step}`),
  right,
  say: ({ span, given, reason }) => ({
    message: `a scan cannot run along ${given}: ${reason}`,
    primary: { span, text: given },
  }),
}

export const carryDiffers: DiagnosticRow<{ span: Span; name: string; given: string; declared: string; first: Span }> = {
  code: 'DLM0434',
  severity: 'error',
  title: 'the next value of a carry has another type',
  explanation:
    'A carry goes from step to step, so it keeps its shape and dtype; both come from its type, or from its first value where it has none.',
  wrong: model('scan x_t in x along T\n  carry h: float[batch, 4] = zeros\n{\n  next h = sum(x_t, axis: -1)\n}'),
  right,
  say: ({ span, name, given, declared, first }) => ({
    message: `the carry ${name} is ${declared}, and its next value ${given}`,
    primary: { span, text: given },
    secondary: [{ span: first, text: declared }],
  }),
}

export const badFirstValue: DiagnosticRow<{
  span: Span
  name: string
  declared: string | undefined
  given: string
  type: Span | undefined
  reason: string
}> = {
  code: 'DLM0435',
  severity: 'error',
  title: 'a carry cannot begin with this value',
  explanation:
    'A carry begins with a number, `zeros`, `ones`, or a tensor that broadcasts to its type. Without a type, it has that of its first value.',
  wrong: model('scan x_t in x along T\n  carry h: float[batch, 4] = x\n{\n  next h = h + x_t\n}'),
  right,
  say: ({ span, name, declared, given, type, reason }) => ({
    message:
      declared === undefined
        ? `the carry ${name} cannot begin with ${given}: ${reason}`
        : `the carry ${name} is ${declared} and cannot begin with ${given}: ${reason}`,
    primary: { span, text: given },
    secondary: type ? [{ span: type, text: declared ?? 'its type' }] : [],
  }),
}

export const unknownCarry: DiagnosticRow<{
  span: Span
  name: string
  known: readonly string[]
  outer: Span | undefined
}> = {
  code: 'DLM0436',
  severity: 'error',
  title: '`next` names no carry of this scan',
  explanation: 'In the body of a scan, `next` gives one of its own carries the value after the step.',
  wrong: model('scan x_t in x along T\n  carry h: float[batch, 4] = zeros\n{\n  next h = h + x_t\n  next c = h\n}'),
  right,
  say: ({ span, name, known, outer }) => ({
    message: outer ? `${name} is a carry of the scan around this one` : `this scan carries no \`${name}\``,
    primary: { span, text: outer ? 'not carried by this scan' : 'no such carry' },
    secondary: outer ? [{ span: outer, text: 'carried here' }] : [],
    notes: known.length === 0 ? ['it carries nothing'] : [`its carries are ${known.map((k) => `\`${k}\``).join(', ')}`],
  }),
}

export const stateInScan: DiagnosticRow<{ span: Span; name: string; scan: Span; calls: readonly Span[] }> = {
  code: 'DLM0437',
  severity: 'error',
  title: 'a state inside a scan',
  explanation:
    'A `state` changes once in a training step, and the body of a scan runs many times in it. What changes from step to step of the scan is a carry; a layer with a state, such as `BatchNorm`, is applied before or after the scan.',
  wrong: model(
    'scan x_t in x along T\n  carry h: float[batch, 4] = zeros\n{\n  state seen: float[] = zeros\n  next h = h + x_t\n}',
  ),
  right,
  say: ({ span, name, scan, calls }) => ({
    message: `the state ${name} would change in every step of a scan`,
    primary: { span, text: 'a state' },
    secondary: [
      ...calls.filter((call) => call !== span).map((call) => ({ span: call, text: 'called here' })),
      { span: scan, text: 'inside this scan' },
    ],
    help: { text: 'a value that goes from step to step is a `carry`' },
  }),
}

export const carryConstant: DiagnosticRow<{ span: Span; name: string }> = {
  code: 'DLM0438',
  severity: 'warning',
  title: 'a carry that never changes',
  explanation:
    'A carry without a `next` is in every step what it was in the first: a `let` before the scan says that better.',
  wrong: model(
    'scan x_t in x along T\n  carry h: float[batch, 4] = zeros, c: float[batch, 4] = ones\n{\n  next h = h + c * x_t\n}',
  ),
  right,
  say: ({ span, name }) => ({
    message: `the carry ${name} has no \`next\``,
    primary: { span, text: 'the same in every step' },
  }),
}
