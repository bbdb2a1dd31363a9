/** The table of builtin functions in `grammar/REFERENCE.md`, made from their rows. */
import { builtinGroups } from './index.ts'

export function builtinReference(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  return builtinGroups
    .map(
      ({ title, rows }) =>
        `**${title}**\n\n| function | gives |\n| --- | --- |\n${rows.map((row) => `| \`${cell(row.signature)}\` | ${cell(row.doc)} |`).join('\n')}`,
    )
    .join('\n\n')
}
