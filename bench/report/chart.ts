/** The times of a run → an SVG: a group of bars for each workload, on a logarithmic scale, each as many times dlm's time as it says. */
import type { Row } from '../contest.ts'
import { type Outcome, ratioOf } from '../outcome.ts'
import { peers } from '../peers.ts'
import { digits } from './columns.ts'

const colours: Readonly<Record<string, string>> = {
  dlm: '#1b6ac9',
  tfjs: '#e08a1e',
  'jax-js': '#7a9b3e',
  onnxruntime: '#9b6bb3',
  torch: '#8a8f98',
}
const [left, barsWidth, right, bar, gap, top] = [180, 560, 210, 18, 16, 84] as const

export function chart({ rows, date, device }: Outcome): string {
  const groups = [...new Set(rows.map((row) => row.workload))].map((id) => rows.filter((row) => row.workload === id))
  const times = rows.map((row) => row.time.median)
  const [low, high] = [Math.floor(Math.log10(Math.min(...times))), Math.ceil(Math.log10(Math.max(...times)))] as const
  const x = (time: number) => left + (barsWidth * (Math.log10(time) - low)) / Math.max(1, high - low)
  const parts: string[] = []
  let y = top
  for (const group of groups) {
    const middle = y + (group.length * bar) / 2
    parts.push(
      text(left - 12, middle - 2, group[0]!.workload, 'end', 'group'),
      text(left - 12, middle + 12, group[0]!.title, 'end', 'note'),
    )
    for (const row of group) {
      parts.push(barOf(row, rows, x, y))
      y += bar
    }
    y += gap
  }
  const height = y + 24
  const lines = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (time) =>
      `<line x1="${x(time)}" y1="${top - 8}" x2="${x(time)}" y2="${y - gap + 4}" class="rule"/>${text(x(time), y + 4, `${digits(time)} ms`, 'middle', 'note')}`,
  )
  const adapter = rows.find((row) => row.peer === 'dlm')?.adapter ?? device
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + barsWidth + right}" height="${height}" font-family="system-ui, sans-serif">`,
    '<title>Times of dlm and its peers</title>',
    '<style>.title{font-size:16px;font-weight:600}.group{font-size:13px;font-weight:600}.note{font-size:11px;fill:#555}.value{font-size:11px}.rule{stroke:#ddd}.spread{stroke:#222;stroke-width:1.2}</style>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(16, 26, 'Time of a training step, a forward, a product (shorter is better)', 'start', 'title'),
    text(
      16,
      44,
      `${adapter}, ${date.slice(0, 10)}; logarithmic scale; the line in a bar is from the least to the most`,
      'start',
      'note',
    ),
    legend(rows),
    ...lines,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

function barOf(row: Row, rows: readonly Row[], x: (time: number) => number, y: number): string {
  const { median, least, most } = row.time
  const ratio = ratioOf(rows, row)
  const width = Math.max(2, x(median) - left)
  const middle = y + (bar - 4) / 2
  const label = `${digits(median)} ms${ratio === undefined ? '' : `, ${digits(ratio)} × dlm`}`
  return [
    `<rect x="${left}" y="${y}" width="${width}" height="${bar - 4}" fill="${colours[row.peer] ?? '#444'}"/>`,
    `<line x1="${x(least)}" y1="${middle}" x2="${x(most)}" y2="${middle}" class="spread"/>`,
    text(Math.max(left + width, x(most)) + 6, middle + 4, label, 'start', 'value'),
  ].join('')
}

function legend(rows: readonly Row[]): string {
  const shown = peers.filter(({ name }) => rows.some((row) => row.peer === name))
  return shown
    .map(({ name, title }, index) => {
      const x = 16 + index * 150
      return `<rect x="${x}" y="54" width="12" height="12" fill="${colours[name] ?? '#444'}"/>${text(x + 18, 64, title, 'start', 'value')}`
    })
    .join('')
}

const text = (x: number, y: number, content: string, anchor: string, style: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" class="${style}">${escaped(content)}</text>`

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
