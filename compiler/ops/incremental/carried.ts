/** What an incremental form carries from one position to the next: tensors that stay on the device, known by their names. */
import type { Dim } from '../../ir/dim.ts'
import type { DType, Node } from '../../ir/graph.ts'
import type { GraphBuilder } from '../builder.ts'

export interface Carried {
  readonly leaf: Node
  /** What it holds before the first position. */
  readonly initial: Node
}

export class CarriedTensors {
  readonly #b: GraphBuilder
  readonly #byKey = new Map<string, Carried>()

  constructor(b: GraphBuilder) {
    this.#b = b
  }

  get all(): readonly Carried[] {
    return [...this.#byKey.values()]
  }

  /** Equal keys are one tensor, whichever form asks. */
  take(kind: string, key: string, shape: readonly Dim[], dtype: DType, initial: () => Node): Carried {
    const known = this.#byKey.get(`${kind} ${key}`)
    if (known) return known
    const leaf = this.#b.input(`${kind}.${this.#byKey.size}`, shape, dtype, 'carried')
    const made = { leaf, initial: initial() }
    this.#byKey.set(`${kind} ${key}`, made)
    return made
  }
}
