/**
 * The events of a run → a picture of it: one panel for the loss and one for each metric, training as a line through
 * bucket means over a band of their extremes, validation as a line with dots. SVG text, for a browser or an image viewer.
 */
import { colours as common, line, round, svg, text, through } from './svg.ts'
import type { TrainEvent } from './train-event.ts'

const width = 760
const panelHeight = 250
const margin = { left: 62, right: 20, top: 40, bottom: 36 }
/** Training points are gathered into so many buckets, which is about what the eye can tell apart at this width. */
const buckets = 240
const colours = { ...common, train: '#2563eb', validation: '#d97706' }

interface Point {
  readonly x: number
  readonly y: number
}
interface Bucket extends Point {
  readonly low: number
  readonly high: number
}

export function curvesSvg(events: readonly TrainEvent[]): string {
  const names = scalarNames(events)
  const last = events.reduce((most, event) => Math.max(most, event.step), 1)
  const panels = names.map((name, i) => panel(name, events, last, i * panelHeight))
  const height = Math.max(1, names.length) * panelHeight
  return svg(width, height, [
    ...panels,
    names.length === 0 ? text(width / 2, panelHeight / 2, 'nothing was recorded yet', 'middle') : '',
  ])
}

/** The loss first, then the others in the order in which they came. */
function scalarNames(events: readonly TrainEvent[]): string[] {
  const names = new Set<string>()
  for (const event of events) {
    if (event.kind === 'step' || event.kind === 'validation')
      // Norms of single parameters are too many for a picture each.
      for (const name of Object.keys(event.values)) if (!name.startsWith('gradient_norm.')) names.add(name)
  }
  return names.delete('loss') ? ['loss', ...names] : [...names]
}

function panel(name: string, events: readonly TrainEvent[], last: number, top: number): string {
  const train = gather(pointsOf(events, 'step', name), last)
  const validation = pointsOf(events, 'validation', name)
  const values = [...train.flatMap(({ low, high }) => [low, high]), ...validation.map(({ y }) => y)]
  if (values.length === 0) return ''
  const yTicks = ticks(Math.min(...values), Math.max(...values), 5)
  const [low, high] = [yTicks[0]!, yTicks.at(-1)!]
  const [left, right, upper, lower] = [
    margin.left,
    width - margin.right,
    top + margin.top,
    top + panelHeight - margin.bottom,
  ]
  const toX = (x: number) => left + ((right - left) * x) / last
  const toY = (y: number) => lower - ((lower - upper) * (y - low)) / (high - low || 1)
  const path = (points: readonly Point[]) => through(points.map(({ x, y }) => [toX(x), toY(y)] as const))

  const parts: string[] = [text(left, top + 22, name, 'start', 'font-size="14" font-weight="600"')]
  for (const y of yTicks) {
    parts.push(line(left, toY(y), right, toY(y), colours.grid), text(left - 8, toY(y) + 4, label(y, yTicks), 'end'))
  }
  for (const x of ticks(0, last, 6).filter((tick) => tick <= last && Number.isInteger(tick))) {
    parts.push(
      line(toX(x), lower, toX(x), lower + 4, colours.axis),
      text(toX(x), lower + 17, x.toLocaleString('en-US'), 'middle'),
    )
  }
  parts.push(line(left, lower, right, lower, colours.axis), text(right, lower + 31, 'step', 'end'))

  if (train.length > 1) {
    const band = [...train.map(({ x, high: y }) => ({ x, y })), ...train.map(({ x, low: y }) => ({ x, y })).reverse()]
    parts.push(`<path d="${path(band)}Z" fill="${colours.train}" opacity="0.13"/>`)
  }
  if (train.length > 0)
    parts.push(
      `<path d="${path(train)}" fill="none" stroke="${colours.train}" stroke-width="1.5" stroke-linejoin="round"/>`,
    )
  if (validation.length > 0) {
    parts.push(
      `<path d="${path(validation)}" fill="none" stroke="${colours.validation}" stroke-width="2" stroke-linejoin="round"/>`,
    )
    for (const { x, y } of validation)
      parts.push(`<circle cx="${round(toX(x))}" cy="${round(toY(y))}" r="3" fill="${colours.validation}"/>`)
  }
  let legend = right
  for (const [series, points] of [
    ['validation', validation],
    ['train', train],
  ] as const) {
    const at = points.at(-1)
    if (at === undefined) continue
    const words = `${series} ${significant(at.y)}`
    parts.push(text(legend, top + 22, words, 'end'))
    legend -= words.length * 6.6 + 8
    parts.push(line(legend - 18, top + 18, legend, top + 18, colours[series], 2.5))
    legend -= 34
  }
  return parts.join('\n')
}

function pointsOf(events: readonly TrainEvent[], kind: 'step' | 'validation', name: string): Point[] {
  return events.flatMap((event) => {
    if (event.kind !== kind || (event.kind === 'validation' && event.averaged)) return []
    const y = Object.hasOwn(event.values, name) ? event.values[name]! : Number.NaN
    return Number.isFinite(y) ? [{ x: event.step, y }] : []
  })
}

function gather(points: readonly Point[], last: number): Bucket[] {
  const groups = new Map<number, Point[]>()
  for (const point of points) {
    const key = Math.floor((point.x * buckets) / (last + 1))
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [point])
    else group.push(point)
  }
  return [...groups.values()].map((group) => {
    const ys = group.map(({ y }) => y)
    const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length
    return { x: mean(group.map(({ x }) => x)), y: mean(ys), low: Math.min(...ys), high: Math.max(...ys) }
  })
}

/** Round numbers (1, 2 or 5 times a power of ten apart) that enclose the range. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low || Math.abs(high) || 1
  const power = 10 ** Math.floor(Math.log10(span / count))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= count)!
  const first = Math.floor(low / step + 1e-9)
  const result: number[] = []
  for (let i = first; i <= Math.ceil(high / step - 1e-9) || result.length < 2; i++)
    result.push(Number((i * step).toPrecision(12)))
  return result
}

function label(value: number, among: readonly number[]): string {
  const step = among[1]! - among[0]!
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))
  return digits > 6 || Math.abs(value) >= 1e6 ? significant(value) : value.toFixed(digits)
}

const significant = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)))
