/** DLM0225 …: what is given to a function that takes a function, and arguments in each other's place. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'
import type { Fix } from './diagnostic.ts'

export const notAFunction: DiagnosticRow<{ span: Span; label: string; given: string }> = {
  code: 'DLM0225',
  severity: 'error',
  title: 'a function is needed, and something else is given',
  explanation:
    '`map(items, each)` calls its second argument for every item: a function written there, `(i) => 2 * i`, or the name of a function, module or layer.',
  wrong: 'const all = map([1, 2], [3])\nmodel M {\n  input x: float[batch]\n  output y = all[0] * x\n}',
  right: 'const all = map([1, 2], (i) => 3 * i)\nmodel M {\n  input x: float[batch]\n  output y = all[0] * x\n}',
  say: ({ span, label, given }) => ({
    message: `${label} must be a function, and is ${given}`,
    primary: { span, text: `this is ${given}` },
    help: { text: 'write a function, `(item) => …`, or the name of one' },
  }),
}

export const wrongArity: DiagnosticRow<{ span: Span; lists: number; takes: string }> = {
  code: 'DLM0226',
  severity: 'error',
  title: 'map has more or fewer lists than its function takes arguments',
  explanation:
    'map calls its function with one item of each of its lists: a function of two arguments goes with two lists, `map(items, (a, b) => a + b, others)`.',
  wrong: 'const sums = map([1, 2], (a, b) => a + b)\nmodel M {\n  input x: float[batch]\n  output y = sums[0] * x\n}',
  right:
    'const sums = map([1, 2], (a, b) => a + b, [3, 4])\nmodel M {\n  input x: float[batch]\n  output y = sums[0] * x\n}',
  say: ({ span, lists, takes }) => ({
    message: `this function takes ${takes}, and map gives it one item of each of ${lists === 1 ? '1 list' : `${lists} lists`}`,
    primary: { span, text: `it takes ${takes}` },
    help: {
      text:
        lists === 1
          ? 'write a function of one argument, `(item) => …`, or give map another list after the function'
          : `write a function of ${lists} arguments, one for each list`,
    },
  }),
}

export interface SwappedArgument {
  readonly span: Span
  readonly name: string
  readonly given: string
}

export const swapped: DiagnosticRow<{
  label: string
  call: Span
  first: SwappedArgument
  second: SwappedArgument
}> = {
  code: 'DLM0227',
  severity: 'error',
  title: "two arguments of a call are in each other's place",
  explanation:
    'As they are given the arguments do not fit the parameters; with these two in the other order all of them do. In a pipeline the piped value is the first argument.',
  wrong:
    'model M {\n  input x: float[batch, 4]\n  target label: int[batch]\n  output logits = x |> Linear(3)\n  loss cross_entropy(label, logits)\n}',
  right:
    'model M {\n  input x: float[batch, 4]\n  target label: int[batch]\n  output logits = x |> Linear(3)\n  loss cross_entropy(logits, label)\n}',
  say: ({ label, call, first, second }) => ({
    message: `\`${first.name}\` and \`${second.name}\` of ${label} are given in each other's place`,
    primary: { span: first.span, text: `${first.given} fits \`${second.name}\`` },
    secondary: [{ span: second.span, text: `${second.given} fits \`${first.name}\`` }],
    help: exchange(call, first.span, second.span),
  }),
}

/** The call with two of its parts exchanged, where both are in it and it is short. */
function exchange(call: Span, a: Span, b: Span): Fix {
  const { source } = a
  const [first, second] = a.start <= b.start ? [a, b] : [b, a]
  if (b.source !== source || call.source !== source || second.start < first.end) return { text: 'swap them' }
  const { text } = source
  const part = (start: number, end: number) => text.slice(start, end)
  const replacement = part(second.start, second.end) + part(first.end, second.start) + part(first.start, first.end)
  const edit = { span: { source, start: first.start, end: second.end }, replacement }
  const whole =
    part(Math.min(call.start, first.start), first.start) +
    replacement +
    part(second.end, Math.max(call.end, second.end))
  return whole.length > 80 || whole.includes('\n')
    ? { text: 'swap them', edit }
    : { text: `swap them: \`${whole}\``, edit }
}
