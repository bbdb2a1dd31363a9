/** DLM0225 …: what is given to a function that takes a function, and arguments in each other's place. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'
import type { Fix } from './diagnostic.ts'

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
