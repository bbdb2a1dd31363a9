/** Columns of text, aligned; numbers to the right. */

export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((c, i) => Math.max(c.title.length, ...rows.map((r) => (r[i] ?? '').length)))
  const line = (cells: readonly string[]) =>
    columns
      .map((c, i) => (c.align === 'left' ? (cells[i] ?? '').padEnd(widths[i]!) : (cells[i] ?? '').padStart(widths[i]!)))
      .join('  ')
      .trimEnd()
  const rule = widths.map((w) => '─'.repeat(w)).join('──')
  return [line(columns.map((c) => c.title)), rule, ...rows.map(line)].join('\n')
}

export const integer = (value: number): string =>
  Number.isFinite(value) ? value.toLocaleString('en-US', { maximumFractionDigits: 0 }) : '?'

/** `12.3 MB` (10⁶), as layer tables print sizes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })} MB`
}

export function quantity(value: number, unit: string): string {
  const scales = [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const
  for (const [scale, prefix] of scales) if (value >= scale) return `${(value / scale).toPrecision(3)} ${prefix}${unit}`
  return `${Number(value.toPrecision(3))} ${unit}`
}
