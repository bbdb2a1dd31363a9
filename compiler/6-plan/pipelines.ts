/** The pipelines of a program, or the functions: equal texts with equal sizes are one. */
import type { Dispatch, Pipeline, Size } from '../../runtime/abi.ts'
import { textOfBytes } from '../base64.ts'
import { type Dim, substitute } from '../ir/dim.ts'
import type { EmittedStage, ScanStage, SizedFunction } from '../lowered.ts'
import { toSize } from './sizes.ts'
import type { Stage } from './staged.ts'

/** A pipeline, and the workgroups of a dispatch that runs it. */
interface Sized {
  readonly pipeline: number
  readonly workgroups: Dispatch['workgroups']
}

export class PipelineTable {
  readonly list: Pipeline[] = []
  readonly functions: SizedFunction[] = []
  /** By text, then by the sizes in it. */
  private readonly index = new Map<string, Map<string, number>>()
  /** Those of kernels that were printed once, by the sizes that a phase fixes. */
  private readonly known = new Map<EmittedStage | ScanStage, Map<Stage['fixed'], Sized>>()

  of(emitted: EmittedStage | ScanStage, given: Stage['fixed']): Sized {
    const fixed = given.size === 0 ? nothing : given
    const alike = this.known.get(emitted) ?? new Map<Stage['fixed'], Sized>()
    const known = alike.get(fixed)
    if (known) return known
    const size = (d: Dim): Size => toSize(substitute(d, fixed))
    const { name, wgsl, workgroup, features, code } = emitted
    const pipeline = this.add(
      {
        name,
        wgsl,
        constants: Object.fromEntries([...emitted.constants].map(([constant, d]) => [constant, size(d)])),
        workgroup,
        features,
      },
      code && { ...code, sizes: code.sizes.map(({ at, dim: d }) => ({ at, size: size(d) })) },
    )
    const [x, y, z] = emitted.workgroups
    const made: Sized = { pipeline, workgroups: [size(x), size(y), size(z)] }
    this.known.set(emitted, alike.set(fixed, made))
    return made
  }

  private add(pipeline: Pipeline, code: SizedFunction['code'] | undefined): number {
    const text = code ? textOfCode(code) : pipeline.wgsl
    const sizes = JSON.stringify(code ? code.sizes : pipeline.constants)
    const alike = this.index.get(text) ?? new Map<string, number>()
    const known = alike.get(sizes)
    if (known !== undefined) return known
    this.index.set(text, alike.set(sizes, this.list.length))
    if (code) {
      const name = `k${this.functions.length}`
      this.functions.push({ code, export: name })
      this.list.push({ ...pipeline, wasm: { export: name } })
    } else this.list.push(pipeline)
    return this.list.length - 1
  }
}
const nothing: Stage['fixed'] = new Map()

/** What a function is but for its sizes. Kernels of one structure share their bytes, which become text once. */
function textOfCode({ bytes, calls, parameters, locals }: SizedFunction['code']): string {
  let text = textsOfCode.get(bytes)
  if (text === undefined) {
    text = `${textOfBytes(bytes)} ${JSON.stringify([calls, parameters, locals])}`
    textsOfCode.set(bytes, text)
  }
  return text
}
const textsOfCode = new WeakMap<Uint8Array, string>()
