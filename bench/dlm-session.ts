/** A workload → an open session of dlm with its weights in place: what the peer `dlm` and the float64 reference run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCompiled, type SelectedDevice } from '../cli/session.ts'
import { check } from '../compiler/1-check/index.ts'
import { compile } from '../compiler/pipeline.ts'
import type { DimValues } from '../runtime/abi.ts'
import type { Executor } from '../runtime/executor.ts'
import { schedule } from '../runtime/schedule.ts'
import { stepValues } from '../runtime/step-values.ts'
import { asInput, asParameter } from './layouts.ts'
import { root } from './root.ts'
import { inputsOf, models, type NamedTensor, startWeights, type Workload } from './workloads.ts'

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

export async function openWorkload(
  workload: Workload,
  device: SelectedDevice,
  { half = false }: { readonly half?: boolean } = {},
): Promise<OpenWorkload> {
  const file = workload.kind === 'product' ? 'w6.dlm' : models[workload.model].file
  const path = join('bench', 'workloads', file)
  const program = check({ path, text: readFileSync(join(root, path), 'utf8') })
  const written = workload.kind === 'train' ? program.trains[0] : undefined
  const train = written && half ? { ...written, precision: 'mixed' as const } : written
  const entry = train ? 'step' : 'infer'
  const { program: compiled, simplified } = compile(program, {
    model: program.models.at(-1)!,
    ...(workload.kind === 'product' && { arguments: new Map([['n', workload.n]]) }),
    entries: [entry],
    ...(train && { train }),
    target: device.target,
    subgroup: device.subgroup,
    half,
  })
  const inputs = inputsOf(workload).map(asInput)
  const model = workload.kind === 'product' ? undefined : models[workload.model]
  const dims = model ? { ...model.dims, batch: inputs[0]!.shape[0]! } : {}
  const executor = await openCompiled(compiled, device, { dims, entries: [entry] }, simplified)
  if (workload.kind !== 'product')
    for (const tensor of startWeights(models[workload.model])) {
      const { name, data } = asParameter(workload.model, tensor)
      executor.write(name, data)
    }
  const used = compiled.entries.find((e) => e.name === entry)!
  const given = inputs.filter(({ name }) => used.inputs.includes(name))
  const upload = (tensors: readonly NamedTensor[]) => {
    for (const { name, data } of tensors) executor.write(name, data)
  }
  upload(given)
  const rates = train ? [schedule(train.optimizer.rate)] : []
  let step = 0
  return {
    executor,
    entry,
    output: used.outputs[0]!,
    inputs: given,
    dims,
    async run(tensors = given) {
      if (workload.kind !== 'product') upload(tensors)
      step += 1
      await executor.run(entry, train ? stepValues(compiled.stepBlock, 0, step, rates) : {})
    },
  }
}
