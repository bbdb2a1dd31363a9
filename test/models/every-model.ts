/** Every model of models/, with its first `train` block: of a file with several presets the smallest stands first. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadProgram } from '../../cli/load.ts'
import { completeDims } from '../../cli/select.ts'
import { evaluate } from '../../compiler/ir/dim.ts'
import type { ModelGraph, Program, TensorPort, TrainDescription } from '../../compiler/program.ts'
import type { TensorData } from '../../runtime/executor.ts'
import { randomStream } from '../../runtime/random.ts'
import { root } from '../grammar/samples.ts'

export interface EveryModel {
  /** `mnist/convnet Convnet` */
  readonly title: string
  /** Relative to models/, without its ending. */
  readonly file: string
  readonly model: string
  readonly program: Program
  readonly graph: ModelGraph
  readonly train: TrainDescription | undefined
}

export const modelFiles: readonly string[] = readdirSync(join(root, 'models'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.dlm'))
  .map((file) => file.replaceAll('\\', '/'))
  .sort()

export const everyModel = (): EveryModel[] =>
  modelFiles.flatMap((path) => {
    const program = loadProgram(join(root, 'models', path))
    const file = path.replace(/\.dlm$/, '')
    return program.models.map((model): EveryModel => {
      const train = program.trains.find((t) => t.model.name === model)
      const args = train?.model.arguments
      const graph = program.model(model, { training: false, ...(args && { arguments: args }) })
      return { title: `${file} ${model}`, file, model, program, graph, train }
    })
  })

/** Few examples, and the shortest sequences that every model takes. */
export const smallDims = ({ graph, train }: EveryModel, batch: number): Map<string, number> =>
  completeDims(
    graph.dims,
    new Map([['batch', batch], ...graph.dims.filter((name) => name !== 'batch').map((name) => [name, 6] as const)]),
    train,
  )

/** Values for ports: floats of both signs, whole numbers that every vocabulary has. */
export function drawPorts(ports: readonly TensorPort[], dims: ReadonlyMap<string, number>, seed: number) {
  const random = randomStream(seed, 'ports')
  return new Map(
    ports.map(({ name, shape, dtype }): [string, { shape: number[]; data: TensorData }] => {
      const sizes = shape.map((d) => evaluate(d, dims))
      const length = sizes.reduce((a, b) => a * b, 1)
      const data =
        dtype === 'float'
          ? Float32Array.from({ length }, () => random.normal())
          : dtype === 'int'
            ? Int32Array.from({ length }, () => random.below(5))
            : Uint32Array.from({ length }, () => random.below(5))
      return [name, { shape: sizes, data }]
    }),
  )
}
