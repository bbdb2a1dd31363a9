/** The grammar part of `REFERENCE.md` and of `dlmc grammar`, made from the parser's own tables and rules. */
import { declarationWords } from './declarations.ts'
import { limits } from './fault.ts'
import { precedences } from './operators.ts'
import { grammar } from './rules.ts'
import { statementWords } from './statements.ts'
import { reserved, symbols, type TokenType } from './tokens.ts'

/** The rules alone, as text. */
export function grammarText(): string {
  return grammar
    .map(({ title, rules }) => [`// ${title}`, ...rules.map(({ name, is }) => `${name} = ${is}`)].join('\n'))
    .join('\n\n')
}

/** Markdown between the marks in `REFERENCE.md`. */
export function grammarReference(): string {
  const code = (words: readonly string[]) => words.map((word) => `\`${word.replace('|', '\\|')}\``).join(' ')
  const plain = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(' ')
  const levels = new Map<number, TokenType[]>()
  for (const [type, level] of precedences) levels.set(level, [...(levels.get(level) ?? []), type])
  const order: readonly (readonly [string, string])[] = [
    [code(['|>']), 'left'],
    ...[...levels]
      .sort(([a], [b]) => a - b)
      .flatMap(([level, types]): (readonly [string, string])[] => [
        [code(types), level === 4 || level === 5 ? 'does not chain' : 'left'],
        ...(level === 2 ? [[code(['not']), 'prefix'] as const] : []),
      ]),
    [`${code(['-', '+'])} before an operand`, 'prefix'],
    [code(['**']), 'right'],
    ['call `f(x)`, index `x[i]`, member `x.y`', 'left'],
  ]
  return [
    `Reserved words: ${plain(reserved)}. Every other word is a name; these are keywords where a declaration begins: ${plain(declarationWords)}, and these where a statement does: ${plain(statementWords.filter((w) => !(reserved as readonly string[]).includes(w)))}.`,
    `Symbols: ${plain(symbols)}.`,
    `Operators, from those that bind least to those that bind most:\n\n| operators | |\n| --- | --- |\n${order.map(([o, a]) => `| ${o} | ${a} |`).join('\n')}`,
    `Limits: ${limits.text / 1024 / 1024} MiB a file, ${limits.brackets} brackets within one another, ${limits.height} terms in a row, ${limits.faults} faults reported.`,
    `\`[ ]\` once or not at all, \`{ }\` any number of times, \`|\` or, words in quotes stand for themselves.`,
    ...grammar.map(({ title, rules }) => {
      const width = Math.max(...rules.map((r) => r.name.length))
      return `### ${title}\n\n\`\`\`ebnf\n${rules.map(({ name, is }) => `${name.padEnd(width)} = ${is}`).join('\n')}\n\`\`\``
    }),
  ].join('\n\n')
}
