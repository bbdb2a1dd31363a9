/** DLM01xx: texts that are not well formed. The parser reports facts; here are the words, one row for each kind of fault. */
import type { Found, SyntaxFault } from '../../grammar/fault.ts'
import { type DiagnosticRow, report } from './catalogue.ts'
import type { Diagnostic } from './diagnostic.ts'
import { nearest } from './near.ts'
import { examples } from './syntax-examples.ts'

type Facts<K extends SyntaxFault['kind']> = Extract<SyntaxFault, { kind: K }>
type Row<K extends SyntaxFault['kind']> = DiagnosticRow<Facts<K>>

export function syntaxDiagnostics(faults: readonly SyntaxFault[]): readonly Diagnostic[] {
  return faults.map((fault) => report(rowsByKind[fault.kind] as DiagnosticRow<SyntaxFault>, fault))
}

const clip = (text: string, length = 40) => (text.length > length ? `${text.slice(0, length)}…` : text)

function foundWords({ type, text }: Found): string {
  switch (type) {
    case 'newline':
      return 'the end of the line'
    case 'end':
      return 'the end of the file'
    case 'string':
      return `the string ${clip(text)}`
    case 'number':
      return `the number ${clip(text)}`
    case 'keyword':
      return `the keyword \`${text}\``
    case 'name':
    case 'symbol':
      return `\`${clip(text)}\``
    default:
      return type satisfies never
  }
}

const alternatives = (items: readonly string[]) => (items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`)

export const unexpected: Row<'unexpected'> = {
  code: 'DLM0101',
  severity: 'error',
  title: 'something else was expected here',
  explanation: 'The text does not follow the grammar at this place. The message says what could stand here and what does; the example shows the construct written in full. `grammar/REFERENCE.md` has the whole grammar.',
  wrong: 'layer wq = Linear(dim,, 3)',
  right: 'layer wq = Linear(dim, 3)',
  say: ({ span, found, expected, construct, opener }) => ({
    message: `expected ${alternatives(expected)}, found ${foundWords(found)}`,
    primary: { span, text: `expected ${alternatives(expected)}` },
    ...(opener && { secondary: [{ span: opener, text: 'in the group that opens here' }] }),
    notes: [`for example: ${examples[construct].slice(0, 3).map((e) => `\`${e}\``).join(' · ')}`],
  }),
}

export const unknownDeclaration: Row<'unknown-declaration'> = {
  code: 'DLM0102',
  severity: 'error',
  title: 'a file holds declarations only',
  explanation: 'At the top level of a file stand `import`, `const`, `fn`, `module`, `model`, `data`, `train` and `test`. Layers and equations belong inside a `module`, a `model` or a `fn`.',
  wrong: 'modle Softmax { … }',
  right: 'model Softmax { … }',
  say: ({ span, word, known }) => {
    const near = nearest(word, known)
    return {
      message: `\`${clip(word)}\` begins no declaration`,
      primary: { span, text: `expected ${alternatives(known.map((k) => `\`${k}\``))}` },
      ...(near !== undefined
        ? { help: { text: `write \`${near}\``, edit: { span, replacement: near } } }
        : { help: { text: 'put layers and equations inside a `module`, a `model` or a `fn`' } }),
    }
  },
}

export const unknownStatement: Row<'unknown-statement'> = {
  code: 'DLM0103',
  severity: 'error',
  title: 'no statement begins like this',
  explanation: 'A statement begins with a keyword (`let`, `layer`, `param`, `return`, …) or is an expression; two names in a row are neither.',
  wrong: 'layr wq = Linear(dim)',
  right: 'layer wq = Linear(dim)',
  say: ({ span, word, known }) => {
    const near = nearest(word, known)
    return {
      message: `\`${clip(word)}\` begins no statement`,
      primary: { span, text: 'not a keyword' },
      notes: near === undefined ? [`a statement begins with ${alternatives(known.map((k) => `\`${k}\``))}`] : [],
      ...(near !== undefined && { help: { text: `write \`${near}\``, edit: { span, replacement: near } } }),
    }
  },
}

export const missingLet: Row<'missing-let'> = {
  code: 'DLM0104',
  severity: 'error',
  title: 'a value is named with `let`',
  explanation: 'Values are immutable: nothing is assigned. `let` gives a value a name and may shadow an earlier one; `next` gives a carry of a `scan`, or a `state`, its next value.',
  wrong: 'head = dim / heads',
  right: 'let head = dim / heads',
  say: ({ span, name, insertAt }) => ({
    message: `\`${clip(name)}\` is given a value without \`let\``,
    primary: { span, text: 'a name needs `let` before it' },
    help: { text: `write \`let ${clip(name)} = …\` (or \`next ${clip(name)} = …\` for a carry or a state)`, edit: { span: insertAt, replacement: 'let ' } },
  }),
}

export const secondForward: Row<'second-forward'> = {
  code: 'DLM0105',
  severity: 'error',
  title: 'a module has one `forward`',
  explanation: 'A module is one function of its inputs. Optional inputs have a default (`mask: bool[T, S]? = none`), and several results are a tuple.',
  wrong: 'module M() {\n  forward(x: float[B]) -> float[B] { return x }\n  forward(x: float[B, T]) -> float[B, T] { return x }\n}',
  right: 'module M() {\n  forward(x: float[...]) -> float[...] { return x }\n}',
  say: ({ span, first }) => ({
    message: 'this module has a second `forward`',
    primary: { span, text: 'the second' },
    secondary: [{ span: first, text: 'the first' }],
    help: { text: 'make it one `forward`, or two modules' },
  }),
}

export const chainedComparison: Row<'chained-comparison'> = {
  code: 'DLM0106',
  severity: 'error',
  title: 'comparisons do not chain',
  explanation: '`a < b < c` would compare a truth value with a number. Write both comparisons and join them.',
  wrong: 'require 0 < p < 1',
  right: 'require 0 < p and p < 1',
  say: ({ span, first }) =>
    span.source.text.slice(span.start, span.end) === '..'
      ? { message: 'a range has two ends', primary: { span, text: 'a third end' }, secondary: [{ span: first, text: 'the range' }], help: { text: 'write `a..b`, half open' } }
      : {
          message: 'comparisons do not chain',
          primary: { span, text: 'compares the result of a comparison' },
          secondary: [{ span: first, text: 'the first comparison' }],
          help: { text: 'join two comparisons with `and`: `a < b and b < c`' },
        },
}

export const pipelineOperator: Row<'pipeline-operator'> = {
  code: 'DLM0107',
  severity: 'error',
  title: 'a pipeline within an operation needs parentheses',
  explanation: '`|>` binds less than every operator, so what stands left of the first `|>` enters the pipeline as a whole, and after the last stage nothing may follow but the end of the expression.',
  wrong: 'let same = x |> flatten == y',
  right: 'let same = (x |> flatten) == y',
  say: ({ span, operator, pipeline }) => ({
    message: `\`${operator}\` after a pipeline needs parentheses around the pipeline`,
    primary: { span, text: 'which side is the pipeline on?' },
    secondary: [{ span: pipeline, text: 'this pipeline' }],
    help: { text: `write \`(… |> …) ${operator} …\`` },
  }),
}

export const unclosed: Row<'unclosed'> = {
  code: 'DLM0111',
  severity: 'error',
  title: 'a bracket is never closed',
  explanation: 'Every `(`, `[` and `{` needs its closing partner. Where one is missing is judged by lines and indentation, so the place shown may be a line early or late.',
  wrong: 'layer wq = Linear(dim',
  right: 'layer wq = Linear(dim)',
  say: ({ span, opener, closer, insertAt }) => ({
    message: `this \`${opener}\` is never closed`,
    primary: { span, text: 'opens here' },
    secondary: [{ span: insertAt, text: `\`${closer}\` is missing here, it seems` }],
    help: { text: `add \`${closer}\``, edit: { span: insertAt, replacement: closer } },
  }),
}

export const unopened: Row<'unopened'> = {
  code: 'DLM0112',
  severity: 'error',
  title: 'a bracket closes nothing',
  explanation: 'A `)`, `]` or `}` stands where no group is open.',
  wrong: 'layer wq = Linear(dim))',
  right: 'layer wq = Linear(dim)',
  say: ({ span, closer }) => ({
    message: `this \`${closer}\` closes nothing`,
    primary: { span, text: 'nothing is open here' },
    help: { text: 'remove it', edit: { span, replacement: '' } },
  }),
}

export const mismatched: Row<'mismatched'> = {
  code: 'DLM0113',
  severity: 'error',
  title: 'a bracket is closed by another kind',
  explanation: '`(` is closed by `)`, `[` by `]`, `{` by `}`.',
  wrong: 'layer wq = Linear(dim]',
  right: 'layer wq = Linear(dim)',
  say: ({ span, closer, opener, expected }) => ({
    message: `\`${closer}\` closes what was opened with another bracket`,
    primary: { span, text: `expected \`${expected}\`` },
    secondary: [{ span: opener, text: 'opens here' }],
    help: { text: `write \`${expected}\``, edit: { span, replacement: expected } },
  }),
}

export const unterminatedString: Row<'unterminated-string'> = {
  code: 'DLM0121',
  severity: 'error',
  title: 'a string is not closed on its line',
  explanation: 'A string begins and ends with `"` on one line; a line end in it is written `\\n`.',
  wrong: 'import "encoder.dlm',
  right: 'import "encoder.dlm"',
  say: ({ span }) => ({
    message: 'this string is not closed on its line',
    primary: { span, text: 'no closing quote' },
    help: { text: 'add the closing quote', edit: { span: { ...span, start: span.end }, replacement: '"' } },
  }),
}

export const quote: Row<'quote'> = {
  code: 'DLM0122',
  severity: 'error',
  title: 'strings stand in double quotes',
  explanation: 'There is one way to write a string: between `"` and `"`.',
  wrong: "import 'encoder.dlm'",
  right: 'import "encoder.dlm"',
  say: ({ span }) => ({ message: 'strings stand in double quotes', primary: { span, text: 'other quotes' }, help: { text: 'write `"…"`' } }),
}

export const escape: Row<'escape'> = {
  code: 'DLM0123',
  severity: 'error',
  title: 'a string holds an unknown escape',
  explanation: 'In a string `\\"`, `\\\\`, `\\n`, `\\t`, `\\r` and `\\u{1F600}` stand for characters; a backslash itself is written twice.',
  wrong: 'idx("C:\\digits.gz")',
  right: 'idx("C:\\\\digits.gz")',
  say: ({ span, escape: text }) => ({
    message: `\`${text}\` is no escape`,
    primary: { span, text: 'stands for nothing' },
    help: { text: 'write `\\\\` for a backslash; there are `\\"` `\\n` `\\t` `\\r` `\\u{…}`' },
  }),
}

export const number: Row<'number'> = {
  code: 'DLM0124',
  severity: 'error',
  title: 'a number is not well written',
  explanation: 'Numbers are decimal: `28`, `100_000`, `0.1`, `1e-3`. A point has a digit on both sides, whole numbers stay below 2^53 so that they are exact, and a name does not follow at once.',
  wrong: 'batch: 0x80\nlr: .5',
  right: 'batch: 128\nlr: 0.5',
  say: ({ span, text, reason, instead }) => ({
    message: numberMessages[reason](clip(text)),
    primary: { span, text: 'this number' },
    ...(instead !== undefined && { help: { text: `write \`${clip(instead)}\``, ...(reason !== 'suffix' && { edit: { span, replacement: instead } }) } }),
  }),
}

const numberMessages: Record<Facts<'number'>['reason'], (text: string) => string> = {
  point: (text) => `\`${text}\` needs a digit on both sides of its point`,
  suffix: (text) => `\`${text}\` is neither a number nor a name`,
  inexact: (text) => `\`${text}\` is too large to be held exactly (whole numbers stay below 2^53)`,
  overflow: (text) => `\`${text}\` is larger than any float`,
  base: (text) => `\`${text}\`: numbers are written in decimal`,
}

export const character: Row<'character'> = {
  code: 'DLM0131',
  severity: 'error',
  title: 'a character has no meaning here',
  explanation: 'Outside strings and comments a text consists of names, numbers and the symbols of the grammar.',
  wrong: 'let y = x § 2',
  right: 'let y = x * 2',
  say: ({ span, text }) => ({
    message: text.length > 1 ? `\`${clip(text, 12)}\` has no meaning here` : `the character \`${text}\` has no meaning here`,
    primary: { span, text: 'not part of the language' },
    ...(replacements.has(text) && { help: { text: `write \`${replacements.get(text)}\``, edit: { span, replacement: replacements.get(text) as string } } }),
  }),
}

/** Signs that word processors and mathematics put where a program has another. */
const replacements: ReadonlyMap<string, string> = new Map([
  ['×', '*'], ['·', '*'], ['÷', '/'], ['−', '-'], ['–', '-'], ['—', '-'], ['≤', '<='], ['≥', '>='], ['≠', '!='], ['≈', '~='],
  ['→', '->'], ['⇒', '=>'], ['“', '"'], ['”', '"'], ['…', '...'], ['∞', 'inf'], ['▷', '|>'],
])

export const controlCharacter: Row<'control-character'> = {
  code: 'DLM0132',
  severity: 'error',
  title: 'an invisible control character',
  explanation: 'Control characters cannot be seen, and those that turn the direction of writing make a text read otherwise than it runs ("Trojan Source", CVE-2021-42574). They are allowed in comments only; in a string write `\\u{…}`.',
  wrong: 'let x = 1\u0000',
  right: 'let x = 1',
  say: ({ span, codePoint, bidirectional }) => ({
    message: `an invisible character, U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}${bidirectional ? ', which turns the direction of the text' : ''}`,
    primary: { span, text: 'here' },
    help: { text: `remove it, or write \`\\u{${codePoint.toString(16)}}\` in a string` },
  }),
}

export const surrogate: Row<'surrogate'> = {
  code: 'DLM0133',
  severity: 'error',
  title: 'half a character',
  explanation: 'The text holds one half of a surrogate pair, which stands for no character and cannot be written to a file. It usually comes from a text that was cut in the middle of an emoji.',
  wrong: '',
  right: '',
  say: ({ span }) => ({ message: 'half a character (a lone surrogate)', primary: { span, text: 'here' }, help: { text: 'remove it or complete it; source files are UTF-8' } }),
}

export const notNormalised: Row<'not-normalised'> = {
  code: 'DLM0134',
  severity: 'error',
  title: 'a name is not in normal form',
  explanation: 'One letter can be written as one character or as a letter with a mark; the two look alike and are different names. Names are in Unicode normal form C.',
  wrong: '',
  right: '',
  say: ({ span, instead }) => ({
    message: 'this name looks like another one (it is not in Unicode normal form C)',
    primary: { span, text: 'letters written with separate marks' },
    help: { text: `write \`${clip(instead)}\` in normal form`, edit: { span, replacement: instead } },
  }),
}

export const foreignOperator: Row<'foreign-operator'> = {
  code: 'DLM0135',
  severity: 'error',
  title: 'an operator of another language',
  explanation: 'Logic is written in words (`and`, `or`, `not`), powers with `**`, equality with `==`.',
  wrong: 'require a && !b',
  right: 'require a and not b',
  say: ({ span, text, instead }) => ({
    message: `\`${text}\` is written \`${instead}\``,
    primary: { span, text: 'an operator of another language' },
    help: { text: `write \`${instead}\``, edit: { span, replacement: instead } },
  }),
}

export const foreignComment: Row<'foreign-comment'> = {
  code: 'DLM0136',
  severity: 'error',
  title: 'comments begin with `//`',
  explanation: 'A comment runs from `//` to the end of its line; `///` before a declaration documents it.',
  wrong: '# the classifier',
  right: '// the classifier',
  say: ({ span, text }) => ({
    message: `comments begin with \`//\`, not \`${text}\``,
    primary: { span, text: 'a comment of another language' },
    help: { text: 'write `//`', ...(text === '#' && { edit: { span, replacement: '//' } }) },
  }),
}

export const commentLikeDivision: Row<'comment-like-division'> = {
  code: 'DLM0137',
  severity: 'warning',
  title: 'a comment that looks like a division',
  explanation: '`//` begins a comment. The quotient without remainder is written `div`, so that `(n - k) div s + 1` is an expression and not half of one.',
  wrong: 'let s = 2\nlet out = (n - k) // s + 1',
  right: 'let s = 2\nlet out = (n - k) div s + 1',
  say: ({ span, divisor }) => ({
    message: 'this comment looks like a division',
    primary: { span, text: '`//` begins a comment' },
    help: { text: `write \`div ${divisor}\` to divide; to keep the comment, write more than one word` },
  }),
}

export const tooDeep: Row<'too-deep'> = {
  code: 'DLM0141',
  severity: 'error',
  title: 'the text nests too deeply',
  explanation: 'Brackets and operators nest at most 64 deep. No model needs more; a text that does was made by a machine or by mistake.',
  wrong: '((((… 65 times …))))',
  right: 'let inner = …\nlet outer = f(inner)',
  say: ({ span, limit }) => ({ message: `nested more than ${limit} deep`, primary: { span, text: 'too deep from here' }, help: { text: 'name inner parts with `let`' } }),
}

export const tooHigh: Row<'too-high'> = {
  code: 'DLM0142',
  severity: 'error',
  title: 'one expression has too many terms',
  explanation: 'A chain such as `a + b + …` may have some five hundred terms. Longer sums are better said as a sum over a list or an axis.',
  wrong: 'x + x + … + x (ten thousand times)',
  right: '10000 * x',
  say: ({ span, limit }) => ({ message: `this expression has more than ${limit} terms in a row`, primary: { span: { ...span, end: Math.min(span.end, span.start + 40) }, text: 'begins here' }, help: { text: 'split it with `let`, or use `sum`' } }),
}

export const tooLong: Row<'too-long'> = {
  code: 'DLM0143',
  severity: 'error',
  title: 'a source file is too long',
  explanation: 'A .dlm file has at most 4 MiB. A program is text that people read; data and weights belong in files of their own.',
  wrong: 'dlmc check weights.safetensors',
  right: 'dlmc check model.dlm',
  say: ({ span, limit, length }) => ({ message: `${span.source.path} has ${length} characters, more than ${limit}`, help: { text: 'split the file with `import`' } }),
}

export const tooMany: Row<'too-many'> = {
  code: 'DLM0144',
  severity: 'note',
  title: 'more faults than are shown',
  explanation: 'After a hundred faults the rest is not reported: most would follow from the first ones.',
  wrong: '',
  right: '',
  say: ({ span, limit }) => ({ message: `${limit} or more faults; the rest is not shown`, primary: { span, text: 'stopped after this' } }),
}

const rowsByKind: { readonly [K in SyntaxFault['kind']]: Row<K> } = {
  unexpected,
  'unknown-declaration': unknownDeclaration,
  'unknown-statement': unknownStatement,
  'missing-let': missingLet,
  'second-forward': secondForward,
  'chained-comparison': chainedComparison,
  'pipeline-operator': pipelineOperator,
  unclosed,
  unopened,
  mismatched,
  'unterminated-string': unterminatedString,
  quote,
  escape,
  number,
  character,
  'control-character': controlCharacter,
  surrogate,
  'not-normalised': notNormalised,
  'foreign-operator': foreignOperator,
  'foreign-comment': foreignComment,
  'comment-like-division': commentLikeDivision,
  'too-deep': tooDeep,
  'too-high': tooHigh,
  'too-long': tooLong,
  'too-many': tooMany,
}
