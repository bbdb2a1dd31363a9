/** The progress line of a training run: rewritten in place on a terminal, plain lines now and then elsewhere. */
import { terminal } from './terminal.ts'

export interface ProgressFacts {
  readonly epoch: number
  readonly epochs: number | undefined
  readonly step: number
  readonly steps: number
  readonly loss: number | undefined
  readonly rate: number
  readonly gradientNorm?: number | undefined
  readonly metrics: ReadonlyMap<string, number>
  readonly stepsPerSecond: number
  readonly samplesPerSecond: number
}

export interface Progress {
  update(facts: ProgressFacts): void
  /** Prints a line that stays, above the progress line. */
  note(text: string): void
  end(): void
}

/** Seconds between plain lines where there is no terminal. */
const plainInterval = 5

export function createProgress(quiet: boolean): Progress {
  if (quiet) return { update() {}, note() {}, end() {} }
  const live = terminal.interactive()
  let shown = ''
  let lastPlain = 0
  const clear = () => {
    if (shown) terminal.err('\r\x1b[2K')
    shown = ''
  }
  return {
    update(facts) {
      if (live) {
        const line = describe(facts).slice(0, Math.max(20, terminal.width() - 1))
        terminal.err(`\r\x1b[2K${line}`)
        shown = line
      } else if (performance.now() - lastPlain > plainInterval * 1000 || facts.step === facts.steps) {
        lastPlain = performance.now()
        terminal.error(describe(facts))
      }
    },
    note(text) {
      clear()
      terminal.error(text)
    },
    end() {
      if (shown) terminal.err('\n')
      shown = ''
    },
  }
}

export function describe(f: ProgressFacts): string {
  const done = f.steps > 0 ? f.step / f.steps : 1
  const parts = [
    f.epochs === undefined ? '' : `epoch ${f.epoch}/${f.epochs}`,
    `step ${f.step}/${f.steps} ${bar(done)}`,
    f.loss === undefined ? '' : `loss ${f.loss.toPrecision(4)}`,
    ...[...f.metrics].map(([name, value]) => `${name} ${value.toPrecision(4)}`),
    `lr ${f.rate.toExponential(2)}`,
    f.gradientNorm === undefined ? '' : `|g| ${f.gradientNorm.toPrecision(3)}`,
    f.stepsPerSecond > 0
      ? `${f.stepsPerSecond.toPrecision(3)} steps/s ${Math.round(f.samplesPerSecond)} samples/s`
      : '',
    f.stepsPerSecond > 0 ? `ETA ${duration((f.steps - f.step) / f.stepsPerSecond)}` : '',
  ]
  return parts.filter((p) => p !== '').join('  ')
}

function bar(fraction: number, width = 16): string {
  const filled = Math.round(Math.min(1, fraction) * width)
  return `${'━'.repeat(filled)}${'╌'.repeat(width - filled)}`
}

/** `1:02:03`, `4:05`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  const s = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}
