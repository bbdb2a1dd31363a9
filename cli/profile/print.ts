/** A profile → two tables: kernels and source lines, the slowest first. */
import { table } from '../table.ts'
import type { Roofline } from './roofline.ts'
import type { Time } from './times.ts'

export interface Profile {
  readonly model: string
  readonly entry: string
  readonly device: string
  /** The device's timestamps, or the host's clock. */
  readonly method: 'timestamps' | 'wall'
  readonly dims: Readonly<Record<string, number>>
  readonly roofline: Roofline
  readonly milliseconds: number
  readonly kernels: readonly Time[]
  readonly lines: readonly Time[]
}

export function print(profile: Profile): string {
  const { model, entry, device, method, dims, roofline, milliseconds, kernels, lines } = profile
  const sizes = Object.entries(dims).map(([name, value]) => `${name} = ${value}`)
  return [
    `${entry} of ${model}${sizes.length > 0 ? `, ${sizes.join(', ')}` : ''}, on ${device}`,
    `${figure(milliseconds)} ms in all dispatches, by ${method === 'timestamps' ? "the device's timestamps" : "the host's clock"}`,
    `the device copies ${figure(roofline.bytesPerSecond / 1e9)} GB/s and does ${figure(roofline.flopsPerSecond / 1e9)} GFLOP/s at best (measured ${roofline.measured.slice(0, 10)})`,
    '',
    timeTable('Kernel', kernels, true),
    '',
    timeTable('Line', lines, false),
  ].join('\n')
}

const timeTable = (title: string, times: readonly Time[], withLines: boolean): string =>
  table(
    [
      { title, align: 'left' },
      { title: 'Runs', align: 'right' },
      { title: 'ms', align: 'right' },
      { title: 'Share', align: 'right' },
      { title: 'GFLOP/s', align: 'right' },
      { title: 'GB/s', align: 'right' },
      { title: 'Of bound', align: 'right' },
      ...(withLines ? [{ title: 'Source', align: 'left' } as const] : []),
    ],
    times.map((time) => [
      time.name,
      String(time.runs),
      figure(time.milliseconds),
      percent(time.share),
      figure(time.gflopsPerSecond),
      figure(time.gigabytesPerSecond),
      percent(time.ofBound),
      ...(withLines ? [time.origins.join(' ')] : []),
    ]),
  )

const figure = (value: number): string =>
  Number.isFinite(value) ? Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 6 }) : '–'

const percent = (part: number): string =>
  Number.isFinite(part) ? `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %` : '–'
