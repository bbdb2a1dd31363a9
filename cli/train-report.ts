/** What a training run shows a person (or, as JSON lines, a program): one line that moves, and lines that stay. */
import type { CompiledProgram, DimValues, TrainSettings } from '../runtime/abi.ts'
import { evaluate as evaluateSize } from '../runtime/size.ts'
import type { Scalars, TrainEvent } from '../runtime/train-event.ts'
import { createProgress, duration } from './progress.ts'
import { integer, megabytes } from './table.ts'
import { terminal } from './terminal.ts'

export interface TrainReport {
  readonly compiling: (done: number, total: number, what: string) => void
  readonly opened: (
    directory: string,
    model: string,
    program: CompiledProgram,
    dims: DimValues,
    resumedAt: number | undefined,
  ) => void
  readonly event: (event: TrainEvent) => void
  readonly tested: (values: Scalars, step: number, examples: number | undefined) => void
  readonly note: (text: string) => void
  readonly end: () => void
}

export function watchTraining({
  quiet,
  json,
  batch,
  settings,
}: {
  quiet: boolean
  json: boolean
  batch: number
  settings: TrainSettings
}): TrainReport {
  const progress = createProgress(quiet)
  const clock = rateClock()
  const start = performance.now()
  let total = 0
  let place = ''
  let epochs: number | undefined = settings.epochs
  const emit = (value: unknown) => {
    if (json) terminal.out(`${JSON.stringify(value)}\n`)
  }
  return {
    compiling(done, all, what) {
      if (!quiet && terminal.interactive())
        terminal.err(`\r\x1b[2Kcompiling ${done}/${all} ${what.slice(0, 60)}${done === all ? '\r\x1b[2K' : ''}`)
    },
    opened(directory, model, program, dims, resumedAt) {
      place = directory
      const part = program.footprint.training!
      progress.note(
        `${model}: ${integer(program.parameters.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0))} parameters, ` +
          `${part.dispatches} dispatches a step, ${megabytes(evaluateSize(part.bytes, dims))} certified; ${directory}` +
          (resumedAt === undefined ? '' : `, resumed at step ${resumedAt}`),
      )
    },
    event(event) {
      emit(event)
      switch (event.kind) {
        case 'start':
          total = event.steps ?? 0
          epochs = event.epochs
          clock.reset(event.step)
          return
        case 'step': {
          const { loss, gradient_norm, ...metrics } = event.values
          progress.update({
            epoch: event.epoch,
            epochs,
            step: event.step,
            steps: total,
            loss,
            rate: event.rate,
            gradientNorm: gradient_norm,
            metrics: new Map(Object.entries(metrics)),
            stepsPerSecond: clock.rate(event.step),
            samplesPerSecond: clock.rate(event.step) * batch,
          })
          return
        }
        case 'epoch':
          progress.note(`epoch ${event.epoch}: ${words(event.values)}`)
          return
        case 'validation':
          progress.note(
            `${event.averaged ? 'average of the last checkpoints, ' : ''}validation: ${words(event.values)}${event.best ? ' (best)' : ''}`,
          )
          return
        case 'checkpoint':
        case 'test':
          return
        case 'warning':
          progress.note(`warning: ${event.text}`)
          return
        case 'finish':
          progress.note(
            `${event.reason === 'interrupted' ? 'interrupted' : event.reason === 'early' ? 'stopped early' : 'done'} after ${event.step} steps in ${duration((performance.now() - start) / 1000)}` +
              (event.model ? `; weights in ${event.model}` : '') +
              (event.reason === 'interrupted' ? `; --resume ${place} goes on from there` : ''),
          )
          return
        default:
          event satisfies never
      }
    },
    tested(values, step, examples) {
      emit({ kind: 'test', step, values })
      const text = `test${examples === undefined ? '' : ` on ${integer(examples)} examples`}: ${words(values)}`
      if (!json) terminal.line(text)
    },
    note: progress.note,
    end: progress.end,
  }
}

const words = (values: Scalars): string =>
  Object.entries(values)
    .map(
      ([name, value]) =>
        `${name} ${name.endsWith('accuracy') ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4)}`,
    )
    .join(', ')

/** Steps a second over the last few seconds. */
function rateClock() {
  let marks: { step: number; time: number }[] = []
  return {
    reset(step: number) {
      marks = [{ step, time: performance.now() }]
    },
    rate(step: number): number {
      const now = performance.now()
      const last = marks.at(-1)
      if (!last || now - last.time > 250) marks.push({ step, time: now })
      while (marks.length > 2 && now - marks[0]!.time > 5000) marks.shift()
      const first = marks[0]!
      return now > first.time ? ((step - first.step) * 1000) / (now - first.time) : 0
    },
  }
}
