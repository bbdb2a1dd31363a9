/**
 * dlm itself, as a peer among the others, and as it is shipped: the program is compiled ahead by a process of its own, whose
 * time counts for the first step, and the process that is measured holds the runtime, as one that uses a module does.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deserialize } from 'node:v8'
import { isGpu, type Target } from '../../runtime/device.ts'
import { findDevice } from '../../runtime/node/devices.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { evaluate } from '../../runtime/size.ts'
import type { CompiledWorkload } from '../compiled-workload.ts'
import { openWorkload } from '../open-workload.ts'
import { root } from '../root.ts'
import { countCalls } from './counts.ts'
import { serve } from './serve.ts'

export interface CompileOrder {
  readonly workload: string
  readonly target: Target
  readonly subgroup: number | undefined
  readonly file: string
}

await serve(async ({ device: name, folder }) => {
  providePlatform()
  const { description, target, device } = await findDevice(name)
  const gpu = device && isGpu(device) ? device : undefined
  // A process that computes with WebAssembly does not load WebGPU.
  if (gpu) countCalls((await import('webgpu')).globals)
  return {
    version: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
    adapter: description.name,
    // An error ends the process, so there is none to tell about.
    faults: [],
    async open({ workload, inputs, weights }) {
      const order = { workload: workload.id, target, subgroup: device!.subgroup, file: join(folder, 'dlm.program') }
      const compilerPeakBytes = compileApart(order)
      const compiled = deserialize(readFileSync(order.file)) as CompiledWorkload
      rmSync(order.file)
      const given = { inputs: inputs.values(), weights: weights.values() }
      const { executor, entry, output, dims, run } = await openWorkload(workload, compiled, given, (program, options) =>
        device!.open(program, options),
      )
      const { dispatches } = executor.program.entries.find(({ name }) => name === entry)!
      const total = (of: 'flops' | 'bytes') => dispatches.reduce((sum, d) => sum + evaluate(d[of], dims), 0)
      return {
        run,
        async loss() {
          const rows = await executor.scalars()
          return rows.at(-1)!.values['loss']!
        },
        output: () => executor.read(output) as Promise<Float32Array>,
        settle: () => gpu?.device.queue.onSubmittedWorkDone() ?? executor.scalars(),
        facts: () => ({
          dispatches: dispatches.length,
          flops: total('flops'),
          bytes: total('bytes'),
          allocated: executor.allocatedBytes,
          compilerPeakBytes,
        }),
      }
    },
  }
})

/** Gives the most memory that the compiler's process held. */
function compileApart(order: CompileOrder): number {
  const script = fileURLToPath(new URL('dlm-compile.js', import.meta.url))
  return Number(execFileSync(process.execPath, [script, JSON.stringify(order)], { encoding: 'utf8' }))
}
