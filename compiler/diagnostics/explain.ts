/** `DLM0312` → the page that `dlmc explain` prints: what it means, a wrong example, a right one. */
import { catalogue } from './registry.ts'

/** Undefined where there is no such code. */
export function explain(code: string): string | undefined {
  const row = catalogue.get(code.toUpperCase())
  if (row === undefined) return undefined
  const indented = (text: string) =>
    text
      .split('\n')
      .map((line) => (line === '' ? '' : `    ${line}`))
      .join('\n')
  return [
    `${row.code} (${row.severity}): ${row.title}`,
    wrapped(row.explanation, 90),
    ...(row.wrong === '' ? [] : [`Wrong:\n\n${indented(row.wrong)}`]),
    ...(row.right === '' ? [] : [`Right:\n\n${indented(row.right)}`]),
  ].join('\n\n')
}

function wrapped(text: string, width: number): string {
  const paragraph = (words: string) => {
    const lines = ['']
    for (const word of words.split(/\s+/)) {
      const line = lines.at(-1) as string
      if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
      else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
    }
    return lines.join('\n')
  }
  return text.split(/\n\n+/).map(paragraph).join('\n\n')
}
