/**
 * ‖∂L/∂h_t‖ of the carries of a model → a picture of how much of the loss reaches each step of a sequence: a line for each
 * carry over a logarithmic axis, on which exponential decay is straight down, and a band of the extremes.
 */
import type { CarryCurve } from './carry-norms.ts'
import { ticks } from './curves.ts'
import { colours, line, round, svg, text, through } from './svg.ts'

const [width, height] = [860, 440]
/** To the right of the box stands the legend. */
const box = { left: 78, right: 620, top: 66, bottom: height - 56 }
const lineColours = ['#b91c1c', '#1d4ed8', '#0f766e', '#c2410c', '#7e22ce', '#4d7c0f', '#0e7490', '#be185d']
/** Carries named at most; a deep model has more than a legend can hold. */
const named = 16

export function carriesSvg(curves: readonly CarryCurve[], runs: number): string {
  const values = curves.flatMap(({ points }) => points.flatMap(({ low, high }) => (high > 0 ? [low, high] : [])))
  if (values.length === 0)
    return svg(width, height, [text(width / 2, height / 2, 'nothing was recorded yet', 'middle')])
  const low = Math.floor(Math.log10(values.reduce((a, b) => Math.min(a, b))))
  const high = Math.max(low + 1, Math.ceil(Math.log10(values.reduce((a, b) => Math.max(a, b)))))
  const last = Math.max(2, ...curves.map(({ points }) => points.length))
  const toX = (t: number) => box.left + ((box.right - box.left) * (t - 1)) / (last - 1)
  const toY = (value: number) => box.bottom - ((box.bottom - box.top) * (Math.log10(value) - low)) / (high - low)
  return svg(width, height, [
    text(
      box.left,
      26,
      '‖∂L/∂h(t)‖: how much of the loss reaches each step',
      'start',
      'font-size="16" font-weight="600"',
    ),
    text(
      box.left,
      46,
      `norm of the loss’s gradient at each carry after step t${runs > 1 ? `; mean and extremes of ${runs.toLocaleString('en-US')} steps of training` : ''}`,
      'start',
    ),
    ...powers(low, high).map((power) => line(box.left, toY(10 ** power), box.right, toY(10 ** power), colours.grid)),
    ...powers(low, high).map((power) => powerText(box.left - 10, toY(10 ** power) + 4, power)),
    ...[1, ...ticks(1, last, 8).filter((t) => t > 1 && t <= last && Number.isInteger(t))].flatMap((t) => [
      line(toX(t), box.bottom, toX(t), box.bottom + 4, colours.axis),
      text(toX(t), box.bottom + 19, String(t), 'middle'),
    ]),
    line(box.left, box.bottom, box.right, box.bottom, colours.axis),
    text(box.right, box.bottom + 40, 'step t of the sequence', 'end'),
    ...curves.map(({ points }, i) => band(points, toX, toY, colourOf(i))),
    ...curves.map(({ points }, i) => curve(points, toX, toY, i)),
    ...legend(curves),
  ])
}

const colourOf = (i: number): string => lineColours[i % lineColours.length]!
/** Further rounds through the colours are told apart by their dashes. */
const dashOf = (i: number): string =>
  i < lineColours.length ? '' : ` stroke-dasharray="${2 + 3 * Math.floor(i / lineColours.length)} 3"`

/** So many that their names do not touch. */
function powers(low: number, high: number): number[] {
  const every = Math.max(1, Math.ceil((high - low) / 9))
  return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => high - i * every)
}

const powerText = (x: number, y: number, power: number): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="end" fill="${colours.axis}">10<tspan dy="-5" font-size="9">${String(power).replace('-', '−')}</tspan></text>`

/** Points in a row that a logarithm has. */
function runsOf(points: CarryCurve['points']): { t: number; low: number; mean: number; high: number }[][] {
  const found: { t: number; low: number; mean: number; high: number }[][] = [[]]
  points.forEach((point, at) => {
    if (point.high > 0) found.at(-1)!.push({ t: at + 1, ...point })
    else if (found.at(-1)!.length > 0) found.push([])
  })
  return found.filter((run) => run.length > 0)
}

function band(
  points: CarryCurve['points'],
  toX: (t: number) => number,
  toY: (value: number) => number,
  colour: string,
): string {
  return runsOf(points)
    .map((run) => {
      const upper = run.map(({ t, high }) => [toX(t), toY(high)] as const)
      const lower = run.map(({ t, low }) => [toX(t), toY(low)] as const).reverse()
      return `<path d="${through([...upper, ...lower])}Z" fill="${colour}" opacity="0.12"/>`
    })
    .join('\n')
}

function curve(points: CarryCurve['points'], toX: (t: number) => number, toY: (value: number) => number, i: number) {
  return runsOf(points)
    .map((run) => {
      const path = through(run.map(({ t, mean }) => [toX(t), toY(mean)] as const))
      return `<path d="${path}" fill="none" stroke="${colourOf(i)}" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round"${dashOf(i)}/>`
    })
    .join('\n')
}

/** Each carry's name, and its norms at both ends. */
function legend(curves: readonly CarryCurve[]): string[] {
  const x = box.right + 24
  const shown = curves.slice(0, named)
  const rows = shown.flatMap(({ name, points }, i) => {
    const y = box.top + 6 + i * Math.min(44, (box.bottom - box.top) / Math.max(1, shown.length))
    const ends = [points[0], points.at(-1)].map((point) => (point?.mean ? point.mean.toExponential(0) : '0'))
    return [
      `<line x1="${x}" y1="${round(y)}" x2="${x + 22}" y2="${round(y)}" stroke="${colourOf(i)}" stroke-width="3"${dashOf(i)}/>`,
      text(x + 30, y + 4, name, 'start', 'font-size="13" font-weight="600"'),
      ...(shown.length <= 8
        ? [text(x + 30, y + 20, `${ends[0]} at t = 1, ${ends[1]} at ${points.length}`, 'start')]
        : []),
    ]
  })
  const more = curves.length - shown.length
  return more > 0 ? [...rows, text(x, box.bottom + 19, `and ${more} more`, 'start')] : rows
}
