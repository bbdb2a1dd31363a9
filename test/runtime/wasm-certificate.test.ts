/** The certified footprint on the processor, against the memory that is taken: small models, a recurrence, attention. */
import { expect, it } from 'vitest'
import { loadProgram } from '../../cli/load.ts'
import { compile } from '../../compiler/pipeline.ts'
import { evaluate } from '../../runtime/size.ts'
import { wasmDevice } from '../../runtime/wasm/device.ts'
import { threadBytes } from '../../runtime/wasm/layout.ts'

it.each(['models/mnist/softmax.dlm', 'models/mnist/convnet.dlm', 'bench/workloads/w3.dlm', 'bench/workloads/w4.dlm'])(
  '%s takes what is certified, and the work space of its thread',
  async (file) => {
    const program = loadProgram(file)
    const [train] = program.trains
    const shared = { model: train!.model.name, arguments: train!.model.arguments, target: 'wasm' } as const
    const training = compile(program, { ...shared, entries: ['step', 'evaluate'], train: train! }).program
    const inference = compile(program, { ...shared, entries: ['infer'] }).program
    for (const batch of [1, 7])
      for (const [compiled, part] of [
        [training, training.footprint.training!],
        [inference, inference.footprint.inference],
      ] as const) {
        /** Free dims that the file leaves to the data: any size will do. */
        const free = Object.fromEntries(compiled.dims.map((name) => [name, 5]))
        const dims = { ...free, ...Object.fromEntries(train!.dims), batch }
        const session = await wasmDevice({ threads: 1 }).open(compiled, { dims, entries: part.entries })
        expect(session.allocatedBytes).toBe(evaluate(part.bytes, dims) + threadBytes(compiled))
        session.dispose()
      }
  },
)
