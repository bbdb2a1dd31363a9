/** Patterns of parameter paths, as `freeze`, `load … except` and the optimizer's overrides take them. `*` stands for any run of characters, `[0..2]` for a range of indices (end excluded); everything else for itself. */
export function matchesPattern(pattern: string, path: string): boolean {
  const source = pattern
    .split(/(\*|\[\d+\.\.\d+\])/)
    .map((part) => {
      if (part === '*') return '.*'
      const range = /^\[(\d+)\.\.(\d+)\]$/.exec(part)
      if (range) return `\\[(?:${numbers(Number(range[1]), Number(range[2]))})\\]`
      return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
  return new RegExp(`^${source}$`).test(path)
}

const numbers = (from: number, to: number): string =>
  Array.from({ length: Math.max(0, Math.min(to, from + 4096) - from) }, (_, i) => from + i).join('|') || '(?!)'
