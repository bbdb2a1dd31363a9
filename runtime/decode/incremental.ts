/**
 * A session of a causal model's incremental form → the logits after each token, of which only the last is computed: what came
 * before is carried on the device. A prompt is taken several positions at a time as far as it goes.
 *
 * What is carried may have room for so many positions only (keys and values, tables of positions). When they are full, the
 * later half of each row is read again as if it were all there had been; a model whose state does not grow goes on for ever.
 */
import type { CompiledProgram, DimValues } from '../abi.ts'
import type { Executor, TensorData } from '../executor.ts'
import { evaluate } from '../size.ts'
import type { NextLogits } from './next-logits.ts'

export interface IncrementalOptions {
  /** The input that the tokens belong to, int[rows, T], and the output, float[rows, T, vocabulary]. */
  readonly input: string
  readonly output: string
  readonly rows: number
  /** Positions that there is room for. */
  readonly context: number
  readonly vocabulary: number
  /** What the other inputs hold throughout. */
  readonly others?: ReadonlyMap<string, TensorData>
}

/** The entries that a session must have been opened for. */
export const incrementalEntries = (program: CompiledProgram): string[] =>
  program.entries.map(({ name }) => name).filter((name) => ['begin', 'prefill', 'advance', 'reorder'].includes(name))

/** Whether a sequence can outgrow what is carried: where the place in it plays no part, it cannot. */
export const isBounded = (program: CompiledProgram): boolean =>
  program.stepBlock.some(({ name }) => name === 'position')

/** Positions that the program takes at a time, of an input; 0 where they are taken one by one. */
export function positionsAtOnce(program: CompiledProgram, dims: DimValues, input: string): number {
  const slot = program.tensors.find(({ name }) => name === `${input}.coming`)
  return slot ? evaluate(slot.shape[1]!, dims) : 0
}

export function incremental(executor: Executor, options: IncrementalOptions): NextLogits {
  const { input, output, rows, context, vocabulary, others } = options
  const { program } = executor
  const bounded = isBounded(program)
  const atOnce = positionsAtOnce(program, executor.dims, input)
  const reorders = program.entries.some(({ name }) => name === 'reorder')
  const hasOther = (name: string) => program.tensors.some((t) => t.name === name && t.role === 'input')
  const given = [...(others ?? [])].filter(([name]) => hasOther(name))
  const carriesRows = hasOther('rows.from')
  const logits = new Float32Array(rows * vocabulary)
  const next = new Int32Array(rows)
  const coming = new Int32Array(rows * atOnce)
  // What each row has said, where it may have to be read again.
  const room = bounded ? context : 0
  let said = new Int32Array(rows * room)
  let spare = new Int32Array(rows * room)
  const at = { position: 0 }

  const advance = async (): Promise<void> => {
    executor.write(`${input}.next`, next)
    await executor.run('advance', at)
    at.position += 1
  }
  const begin = async (): Promise<void> => {
    at.position = 0
    await executor.run('begin')
  }
  /** Reads tokens of all rows, `count` of them; the last one's logits are then there. */
  const read = async (token: (row: number, i: number) => number, count: number): Promise<void> => {
    for (; atOnce > 0 && at.position + atOnce < count; at.position += atOnce) {
      for (let row = 0; row < rows; row++)
        for (let i = 0; i < atOnce; i++) coming[row * atOnce + i] = token(row, at.position + i)
      executor.write(`${input}.coming`, coming)
      await executor.run('prefill', at)
    }
    while (at.position < count) {
      for (let row = 0; row < rows; row++) next[row] = token(row, at.position)
      await advance()
    }
  }
  const result = async (): Promise<Float32Array> => (await executor.read(output, undefined, logits)) as Float32Array

  return {
    rows,
    vocabulary,
    async start(prompt) {
      if (prompt.length === 0) throw new Error('a sequence begins with a token')
      const first = bounded ? Math.max(0, prompt.length - context) : 0
      const count = prompt.length - first
      for (let row = 0; row < rows && bounded; row++)
        for (let i = 0; i < count; i++) said[row * room + i] = prompt[first + i]!
      for (const [name, data] of given) executor.write(name, data)
      await begin()
      await read((_row, i) => prompt[first + i]!, count)
      return result()
    },
    async step(tokens, from) {
      if (from?.some((row, i) => row !== i)) {
        if (!reorders) throw new Error('the rows of this model cannot be told apart')
        if (carriesRows) {
          executor.write('rows.from', from)
          await executor.run('reorder')
        }
        for (let row = 0; row < rows; row++)
          spare.set(said.subarray(from[row]! * room, from[row]! * room + room), row * room)
        const other = said
        said = spare
        spare = other
      }
      if (bounded && at.position === context) {
        const kept = context >> 1
        for (let row = 0; row < rows; row++) {
          said.copyWithin(row * room, (row + 1) * room - kept, (row + 1) * room)
          said[row * room + kept] = tokens[row]!
        }
        await begin()
        await read((row, i) => said[row * room + i]!, kept + 1)
        return result()
      }
      for (let row = 0; row < rows; row++) {
        next[row] = tokens[row]!
        if (bounded) said[row * room + at.position] = tokens[row]!
      }
      await advance()
      return result()
    },
  }
}
