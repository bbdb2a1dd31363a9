/** Why a recurrence is a loop of kernels and not one kernel: facts; `diagnostics/scan-stops.ts` finds the words. */
import type { Kernel } from './kernel.ts'

export type ScanStop =
  /** Its body holds another recurrence. */
  | { readonly kind: 'nested' }
  /** Tensors that the body writes have no first dim in common, and are too large for one workgroup. */
  | { readonly kind: 'leading'; readonly shapes: readonly string[] }
  /** One step reads what another row has written. */
  | { readonly kind: 'rows'; readonly dim: string; readonly ops: readonly string[] }
  /** A step of this form walks over all rows. */
  | { readonly kind: 'form'; readonly form: Kernel['kind']; readonly ops: readonly string[] }
  /** A carry becomes a value that no step of the body makes. */
  | { readonly kind: 'carry' }
  | { readonly kind: 'bindings'; readonly count: number; readonly most: number }
  /** Each turn reads weights of its own, so that one dispatch a turn serves all rows with each of them. */
  | { readonly kind: 'weights' }
  /** One row's turn is so much work that dispatches cost little beside it. */
  | { readonly kind: 'work'; readonly terms: number; readonly most: number }
  /** Its text would read memory in more places than drivers compile in good time. */
  | { readonly kind: 'accesses'; readonly count: number; readonly most: number }
  /** Its target has no form for recurrences in one kernel. */
  | { readonly kind: 'target' }
  /** Whoever compiled it asked for a loop. */
  | { readonly kind: 'chosen' }
