/** A workload → an open session, compiled in this process: what the float64 reference and `gpu.ts` run. */
import { openCompiled, type SelectedDevice } from '../cli/session.ts'
import { compileWorkload } from './compiled-workload.ts'
import { type OpenWorkload, openWorkload } from './open-workload.ts'
import { inputsOf, models, startWeights, type Workload } from './workloads.ts'

export async function compileAndOpen(
  workload: Workload,
  device: SelectedDevice,
  options: { readonly half?: boolean } = {},
): Promise<OpenWorkload> {
  const { lowered, ...compiled } = compileWorkload(workload, device, options)
  const weights = workload.kind === 'product' ? [] : startWeights(models[workload.model])
  return openWorkload(workload, compiled, { inputs: inputsOf(workload), weights }, (program, options) =>
    openCompiled(program, device, options, lowered),
  )
}
