/** The build step of the peer `dlm`: compiles a workload for the device it is told of, and leaves the program in a file. */
import { writeFileSync } from 'node:fs'
import { serialize } from 'node:v8'
import { compileWorkload } from '../compiled-workload.ts'
import { workloads } from '../workloads.ts'
import type { CompileOrder } from './dlm.ts'
import { peakBytes } from './peak.ts'

const { workload, target, subgroup, file } = JSON.parse(process.argv[2]!) as CompileOrder
const { lowered: _, ...compiled } = compileWorkload(workloads.find(({ id }) => id === workload)!, {
  target,
  subgroup,
})
writeFileSync(file, serialize(compiled))
process.stdout.write(String(peakBytes()))
