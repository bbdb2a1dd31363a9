/** dlm itself, as a peer among the others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { globals } from 'webgpu'
import { selectDevice } from '../../cli/session.ts'
import { isGpu } from '../../runtime/device.ts'
import { evaluate } from '../../runtime/size.ts'
import { openWorkload } from '../dlm-session.ts'
import { root } from '../root.ts'
import { countCalls } from './counts.ts'
import { serve } from './serve.ts'

await serve(async ({ device }) => {
  const selected = await selectDevice(device, true)
  const gpu = selected.device && isGpu(selected.device) ? selected.device : undefined
  if (gpu) countCalls(globals)
  return {
    version: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
    adapter: selected.description.name,
    // An error ends the process, so there is none to tell about.
    faults: [],
    async open({ workload }) {
      const { executor, entry, output, dims, run } = await openWorkload(workload, selected)
      const { dispatches } = executor.program.entries.find(({ name }) => name === entry)!
      const total = (of: 'flops' | 'bytes') => dispatches.reduce((sum, d) => sum + evaluate(d[of], dims), 0)
      return {
        run,
        async loss() {
          const rows = await executor.scalars()
          return rows.at(-1)!.values['loss']!
        },
        output: () => executor.read(output) as Promise<Float32Array>,
        settle: () => gpu?.device.queue.onSubmittedWorkDone() ?? executor.read(output),
        facts: () => ({
          dispatches: dispatches.length,
          flops: total('flops'),
          bytes: total('bytes'),
          allocated: executor.allocatedBytes,
        }),
      }
    },
  }
})
