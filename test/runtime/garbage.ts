/** Garbage collection on demand: V8 takes the flag at run time, and a new context then has `gc`. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects, and lets finalizers run. */
export async function collectGarbage(): Promise<void> {
  gc()
  await new Promise((resolve) => setTimeout(resolve, 10))
}
