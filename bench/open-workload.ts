/** A compiled workload → an open session with its weights in place. Needs nothing of the compiler. */
import type { CompiledProgram, DimValues } from '../runtime/abi.ts'
import type { Executor, OpenOptions } from '../runtime/executor.ts'
import { schedule } from '../runtime/schedule.ts'
import { stepValues } from '../runtime/step-values.ts'
import type { CompiledWorkload } from './compiled-workload.ts'
import { asInput, asParameter } from './layouts.ts'
import { models, type NamedTensor, type Workload } from './workloads.ts'

export interface OpenWorkload {
  readonly executor: Executor
  readonly entry: 'infer' | 'step'
  readonly output: string
  readonly inputs: readonly NamedTensor[]
  readonly dims: DimValues
  /**
   * Enqueues one run, with an upload of the inputs where they would be new each time: not the operands of a product. The
   * inputs are the workload's own, unless others are given.
   */
  run(inputs?: readonly NamedTensor[]): Promise<void>
}

export interface Given {
  readonly inputs: Iterable<NamedTensor>
  readonly weights: Iterable<NamedTensor>
}

export async function openWorkload(
  workload: Workload,
  { program, entry, rate }: CompiledWorkload,
  given: Given,
  open: (program: CompiledProgram, options: OpenOptions) => Promise<Executor>,
): Promise<OpenWorkload> {
  const inputs = [...given.inputs].map(asInput)
  const model = workload.kind === 'product' ? undefined : models[workload.model]
  const dims = model ? { ...model.dims, batch: inputs[0]!.shape[0]! } : {}
  const executor = await open(program, { dims, entries: [entry] })
  if (workload.kind !== 'product')
    for (const tensor of given.weights) {
      const { name, data } = asParameter(workload.model, tensor)
      executor.write(name, data)
    }
  const used = program.entries.find((e) => e.name === entry)!
  const read = inputs.filter(({ name }) => used.inputs.includes(name))
  const upload = (tensors: readonly NamedTensor[]) => {
    for (const { name, data } of tensors) executor.write(name, data)
  }
  upload(read)
  const rates = rate ? [schedule(rate)] : []
  let step = 0
  return {
    executor,
    entry,
    output: used.outputs[0]!,
    inputs: read,
    dims,
    async run(tensors = read) {
      if (workload.kind !== 'product') upload(tensors)
      step += 1
      await executor.run(entry, rate ? stepValues(program.stepBlock, 0, step, rates) : {})
    },
  }
}
