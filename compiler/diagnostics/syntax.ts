/** DLM01xx: texts that are not well formed. The parser reports facts; here are the words, one row for each kind of fault. */
import type { Found, SyntaxFault } from '../../grammar/fault.ts'
import { type DiagnosticRow, report } from './catalogue.ts'
import type { Diagnostic } from './diagnostic.ts'
import { nearest } from './near.ts'
import { examples } from './syntax-examples.ts'
import { clip, type Row } from './syntax-row.ts'
import {
  character,
  commentLikeDivision,
  controlCharacter,
  escapeSequence,
  foreignComment,
  foreignOperator,
  notNormalised,
  number,
  quote,
  surrogate,
  tooDeep,
  tooHigh,
  tooLong,
  tooMany,
  unterminatedString,
} from './syntax-text.ts'

export function syntaxDiagnostics(faults: readonly SyntaxFault[]): readonly Diagnostic[] {
  return faults.map((fault) => report(rowsByKind[fault.kind] as DiagnosticRow<SyntaxFault>, fault))
}

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

const alternatives = (items: readonly string[]) =>
  items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`

export const unexpected: Row<'unexpected'> = {
  code: 'DLM0101',
  severity: 'error',
  title: 'something else was expected here',
  explanation:
    'The text does not follow the grammar at this place. The message says what could stand here and what does; the example shows the construct written in full. `grammar/REFERENCE.md` has the whole grammar.',
  wrong: 'layer wq = Linear(dim,, 3)',
  right: 'layer wq = Linear(dim, 3)',
  say: ({ span, found, expected, construct, opener }) => ({
    message: `expected ${alternatives(expected)}, found ${foundWords(found)}`,
    primary: { span, text: `expected ${alternatives(expected)}` },
    ...(opener && { secondary: [{ span: opener, text: 'in the group that opens here' }] }),
    notes: [
      `for example: ${examples[construct]
        .slice(0, 3)
        .map((e) => `\`${e}\``)
        .join(' · ')}`,
    ],
  }),
}

export const unknownDeclaration: Row<'unknown-declaration'> = {
  code: 'DLM0102',
  severity: 'error',
  title: 'a file holds declarations only',
  explanation:
    'At the top level of a file stand `import`, `const`, `fn`, `module`, `model`, `data`, `train` and `test`. Layers and equations belong inside a `module`, a `model` or a `fn`.',
  wrong: 'modle Softmax { … }',
  right: 'model Softmax { … }',
  say: ({ span, word, known }) => {
    const near = nearest(word, known)
    return {
      message: `\`${clip(word)}\` begins no declaration`,
      primary: { span, text: `expected ${alternatives(known.map((k) => `\`${k}\``))}` },
      ...(word === 'let'
        ? {
            help: {
              text: 'a value that the whole file knows is a `const`',
              edit: { span, replacement: 'const' },
            },
          }
        : near !== undefined
          ? { help: { text: `write \`${near}\``, edit: { span, replacement: near } } }
          : { help: { text: 'put layers and equations inside a `module`, a `model` or a `fn`' } }),
    }
  },
}

export const unknownStatement: Row<'unknown-statement'> = {
  code: 'DLM0103',
  severity: 'error',
  title: 'no statement begins like this',
  explanation:
    'A statement begins with a keyword (`let`, `layer`, `param`, `return`, …) or is an expression; two names in a row are neither.',
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
  explanation:
    'Values are immutable: nothing is assigned. `let` gives a value a name and may shadow an earlier one; `next` gives a carry of a `scan`, or a `state`, its next value.',
  wrong: 'head = dim / heads',
  right: 'let head = dim / heads',
  say: ({ span, name, insertAt }) => ({
    message: `\`${clip(name)}\` is given a value without \`let\``,
    primary: { span, text: 'a name needs `let` before it' },
    help: {
      text: `write \`let ${clip(name)} = …\` (or \`next ${clip(name)} = …\` for a carry or a state)`,
      edit: { span: insertAt, replacement: 'let ' },
    },
  }),
}

export const secondForward: Row<'second-forward'> = {
  code: 'DLM0105',
  severity: 'error',
  title: 'a module has one `forward`',
  explanation:
    'A module is one function of its inputs. Optional inputs have a default (`mask: bool[T, S]? = none`), and several results are a tuple.',
  wrong:
    'module M() {\n  forward(x: float[B]) -> float[B] { return x }\n  forward(x: float[B, T]) -> float[B, T] { return x }\n}',
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
      ? {
          message: 'a range has two ends',
          primary: { span, text: 'a third end' },
          secondary: [{ span: first, text: 'the range' }],
          help: { text: 'write `a..b`, half open' },
        }
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
  explanation:
    '`|>` binds less than every operator, so what stands left of the first `|>` enters the pipeline as a whole, and after the last stage nothing may follow but the end of the expression.',
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
  explanation:
    'Every `(`, `[` and `{` needs its closing partner. Where one is missing is judged by lines and indentation, so the place shown may be a line early or late.',
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
  escape: escapeSequence,
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
