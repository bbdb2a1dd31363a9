/**
 * A run on disk: `runs/mnist-1/` with `config.json`, `metrics.jsonl`, `curves.svg`, `checkpoints/` and, at the end,
 * `model.safetensors`; `carries.svg` where norms of carries are recorded. Events go into it one by one; whatever kills the process, the lines written so far stay.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { carriesSvg } from '../carry-curves.ts'
import { type CarryRecord, carryNormsOf, carryRecord } from '../carry-norms.ts'
import type { CheckpointStore, TrainProgress } from '../checkpoint.ts'
import { CheckpointError } from '../checkpoint-error.ts'
import { curvesSvg } from '../curves.ts'
import { type ThinnedEvents, thinnedEvents } from '../thinned-events.ts'
import type { TrainEvent } from '../train-event.ts'
import { type CheckpointDirectoryOptions, checkpointDirectory, checkpointFile } from './checkpoint-directory.ts'
import { makeFolder } from './make-folder.ts'

export interface RunDirectory {
  readonly path: string
  readonly model: string
  checkpoints(options?: Pick<CheckpointDirectoryOptions, 'keep' | 'onDamaged'>): Promise<CheckpointStore>
  /**
   * Appends an event to `metrics.jsonl`; draws `curves.svg` anew after an epoch, a validation, and at the end. A full disk ends
   * no run for the sake of its metrics: the first failure is returned, to be told.
   */
  record(event: TrainEvent): string | undefined
  /** Forgets what was recorded after a checkpoint, or all, before going on from there. */
  rewind(progress: Pick<TrainProgress, 'step' | 'epoch' | 'best'> | undefined): void
  readonly config: unknown
  close(): void
}

/** Makes `NAME-1`, or the first number that is free; of two runs that start together each gets its own. */
export function createRunDirectory(base: string, name: string, config: unknown): RunDirectory {
  const safe = name.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '') || 'run'
  mkdir(base, true)
  for (let n = 1; ; n++) {
    const path = join(base, `${safe}-${n}`)
    if (!mkdir(path, false)) continue
    // Whole or absent: a run killed in this moment has not begun.
    writeFileSync(join(path, 'config.json.tmp'), `${JSON.stringify(config, null, 2)}\n`)
    renameSync(join(path, 'config.json.tmp'), join(path, 'config.json'))
    return open(path, config)
  }
}

/** An earlier run, to go on with. */
export function openRunDirectory(path: string): RunDirectory {
  const file = join(path, 'config.json')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CheckpointError(path, 'not the directory of a run: it has no `config.json`', {
      fix: 'name a directory such as runs/mnist-1',
      cause,
    })
  }
  return open(path, parseConfig(file, text))
}

function parseConfig(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CheckpointError(file, 'not JSON', { fix: 'start a new run, and load the weights of this one', cause })
  }
}

/** Whether it was made; `false` when it was there. */
function mkdir(path: string, recursive: boolean): boolean {
  try {
    if (recursive) makeFolder(path)
    else mkdirSync(path)
    return true
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'an error'
    if (code === 'EEXIST' && !recursive) return false
    throw new CheckpointError(path, `the directory cannot be made (${code})`, {
      fix: 'choose another place with --out',
      systemCode: code,
      cause,
    })
  }
}

function open(path: string, config: unknown): RunDirectory {
  const metrics = join(path, 'metrics.jsonl')
  let file = openSync(metrics, 'a')
  let { events, carries } = readEvents(metrics)
  let failed = false
  const draw = () => {
    writeFileSync(join(path, 'curves.svg'), curvesSvg(events.all()))
    if (carries.runs > 0) writeFileSync(join(path, 'carries.svg'), carriesSvg(carries.curves(), carries.runs))
  }
  return {
    path,
    config,
    model: join(path, 'model.safetensors'),
    checkpoints: (options = {}) =>
      checkpointDirectory(join(path, 'checkpoints'), { ...options, model: join(path, 'model.safetensors') }),
    record(event) {
      events.add(event)
      const norms = carryNormsOf(event)
      if (norms) carries.add(norms)
      try {
        // One write a line: the kernel has it, so it outlives the process.
        writeSync(file, `${JSON.stringify({ ...event, time: new Date().toISOString() })}\n`)
        if (event.kind === 'epoch' || event.kind === 'validation' || event.kind === 'finish') draw()
      } catch (error) {
        const first = !failed
        failed = true
        return first
          ? `metrics cannot be written (${(error as NodeJS.ErrnoException).code}); the run goes on without`
          : undefined
      }
      return undefined
    },
    rewind(progress) {
      const { length, told } = recordedUntil(metrics, progress)
      closeSync(file)
      truncateSync(metrics, length)
      file = openSync(metrics, 'a')
      ;({ events, carries } = readEvents(metrics))
      if (progress === undefined || told) return
      // Killed between saving the checkpoint and telling of it.
      const { step, epoch: epochs, best } = progress
      this.record({
        kind: 'checkpoint',
        step,
        epochs,
        where: checkpointFile(join(path, 'checkpoints'), step),
        best: best?.step === step,
      })
    },
    close: () => closeSync(file),
  }
}

/** Lines that are whole; a killed process or a full disk may have left part of one. */
function* lines(path: string): Generator<{ readonly event: TrainEvent; readonly end: number }> {
  const bytes = readFileSync(path)
  for (let start = 0, end = bytes.indexOf(10); end !== -1; start = end + 1, end = bytes.indexOf(10, start)) {
    let event: TrainEvent
    try {
      event = JSON.parse(bytes.toString('utf8', start, end)) as TrainEvent
    } catch {
      // Part of a line, with what came after it.
      continue
    }
    yield { event, end: end + 1 }
  }
}

function readEvents(path: string): { readonly events: ThinnedEvents; readonly carries: CarryRecord } {
  const events = thinnedEvents()
  const carries = carryRecord()
  for (const { event } of lines(path)) {
    events.add(event)
    const norms = carryNormsOf(event)
    if (norms) carries.add(norms)
  }
  return { events, carries }
}

/**
 * What was recorded up to a checkpoint: all up to its line; where it was saved and its line not yet written, all of its
 * step and before.
 */
function recordedUntil(
  path: string,
  progress: Pick<TrainProgress, 'step' | 'epoch'> | undefined,
): { length: number; told: boolean } {
  let length = 0
  if (progress === undefined) return { length, told: false }
  for (const { event, end } of lines(path)) {
    if (event.step > progress.step) break
    length = end
    if (event.kind === 'checkpoint' && event.step === progress.step && event.epochs === progress.epoch)
      return { length, told: true }
  }
  return { length, told: false }
}
