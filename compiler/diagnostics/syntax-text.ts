/** DLM012x to DLM014x: literals, characters, comments and limits. */
import { clip, type Facts, type Row } from './syntax-row.ts'

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
  say: ({ span }) => ({
    message: 'strings stand in double quotes',
    primary: { span, text: 'other quotes' },
    help: { text: 'write `"…"`' },
  }),
}

export const escapeSequence: Row<'escape'> = {
  code: 'DLM0123',
  severity: 'error',
  title: 'a string holds an unknown escape',
  explanation:
    'In a string `\\"`, `\\\\`, `\\n`, `\\t`, `\\r` and `\\u{1F600}` stand for characters; a backslash itself is written twice.',
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
  explanation:
    'Numbers are decimal: `28`, `100_000`, `0.1`, `1e-3`. A point has a digit on both sides, whole numbers stay below 2^53 so that they are exact, and a name does not follow at once.',
  wrong: 'batch: 0x80\nlr: .5',
  right: 'batch: 128\nlr: 0.5',
  say: ({ span, text, reason, instead }) => ({
    message: numberMessages[reason](clip(text)),
    primary: { span, text: 'this number' },
    ...(instead !== undefined && {
      help: {
        text: `write \`${clip(instead)}\``,
        ...(reason !== 'suffix' && { edit: { span, replacement: instead } }),
      },
    }),
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
    message:
      text.length > 1 ? `\`${clip(text, 12)}\` has no meaning here` : `the character \`${text}\` has no meaning here`,
    primary: { span, text: 'not part of the language' },
    ...(replacements.has(text) && {
      help: {
        text: `write \`${replacements.get(text)}\``,
        edit: { span, replacement: replacements.get(text) as string },
      },
    }),
  }),
}

/** Signs that word processors and mathematics put where a program has another. */
const replacements: ReadonlyMap<string, string> = new Map([
  ['×', '*'],
  ['·', '*'],
  ['÷', '/'],
  ['−', '-'],
  ['–', '-'],
  ['—', '-'],
  ['≤', '<='],
  ['≥', '>='],
  ['≠', '!='],
  ['≈', '~='],
  ['→', '->'],
  ['⇒', '=>'],
  ['“', '"'],
  ['”', '"'],
  ['…', '...'],
  ['∞', 'inf'],
  ['▷', '|>'],
])

export const controlCharacter: Row<'control-character'> = {
  code: 'DLM0132',
  severity: 'error',
  title: 'an invisible control character',
  explanation:
    'Control characters cannot be seen, and those that turn the direction of writing make a text read otherwise than it runs ("Trojan Source", CVE-2021-42574). They are allowed in comments only; in a string write `\\u{…}`.',
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
  explanation:
    'The text holds one half of a surrogate pair, which stands for no character and cannot be written to a file. It usually comes from a text that was cut in the middle of an emoji.',
  wrong: '',
  right: '',
  say: ({ span }) => ({
    message: 'half a character (a lone surrogate)',
    primary: { span, text: 'here' },
    help: { text: 'remove it or complete it; source files are UTF-8' },
  }),
}

export const notNormalised: Row<'not-normalised'> = {
  code: 'DLM0134',
  severity: 'error',
  title: 'a name is not in normal form',
  explanation:
    'One letter can be written as one character or as a letter with a mark; the two look alike and are different names. Names are in Unicode normal form C.',
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
  explanation:
    '`//` begins a comment. The quotient without remainder is written `div`, so that `(n - k) div s + 1` is an expression and not half of one.',
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
  explanation:
    'Brackets and operators nest at most 64 deep. No model needs more; a text that does was made by a machine or by mistake.',
  wrong: '((((… 65 times …))))',
  right: 'let inner = …\nlet outer = f(inner)',
  say: ({ span, limit }) => ({
    message: `nested more than ${limit} deep`,
    primary: { span, text: 'too deep from here' },
    help: { text: 'name inner parts with `let`' },
  }),
}

export const tooHigh: Row<'too-high'> = {
  code: 'DLM0142',
  severity: 'error',
  title: 'one expression has too many terms',
  explanation:
    'A chain such as `a + b + …` may have some five hundred terms. Longer sums are better said as a sum over a list or an axis.',
  wrong: 'x + x + … + x (ten thousand times)',
  right: '10000 * x',
  say: ({ span, limit }) => ({
    message: `this expression has more than ${limit} terms in a row`,
    primary: { span: { ...span, end: Math.min(span.end, span.start + 40) }, text: 'begins here' },
    help: { text: 'split it with `let`, or use `sum`' },
  }),
}

export const tooLong: Row<'too-long'> = {
  code: 'DLM0143',
  severity: 'error',
  title: 'a source file is too long',
  explanation:
    'A .dlm file has at most 4 MiB. A program is text that people read; data and weights belong in files of their own.',
  wrong: 'dlmc check weights.safetensors',
  right: 'dlmc check model.dlm',
  say: ({ span, limit, length }) => ({
    message: `${span.source.path} has ${length} characters, more than ${limit}`,
    help: { text: 'split the file with `import`' },
  }),
}

export const tooMany: Row<'too-many'> = {
  code: 'DLM0144',
  severity: 'note',
  title: 'more faults than are shown',
  explanation: 'After a hundred faults the rest is not reported: most would follow from the first ones.',
  wrong: '',
  right: '',
  say: ({ span, limit }) => ({
    message: `${limit} or more faults; the rest is not shown`,
    primary: { span, text: 'stopped after this' },
  }),
}
