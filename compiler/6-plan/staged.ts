/**
 * Fused entries as lists of stages, and the values that these read and write.
 *
 * A *value* is what gets a place: a leaf (by name), a result, an intermediate or a scratch tensor. Values are shared
 * between entries only through names.
 */
import type { Binding, Storage } from '../../runtime/abi.ts'
import type { Dim } from '../ir/dim.ts'
import type { Node, Result } from '../ir/graph.ts'
import type { Kernel, ScanKernel } from '../ir/kernel.ts'
import type { ScanStop } from '../ir/scan-stop.ts'
import type { EmittedKernel, EmittedScan, EmittedStage, FusedPhase, UpdateGroup } from '../lowered.ts'

export type ValueClass =
  | { readonly kind: 'batch'; readonly name: string; readonly role: 'input' | 'target' }
  | { readonly kind: 'step'; readonly name: string }
  | { readonly kind: 'parameter'; readonly path: string }
  /** A parameter once more, in 16 bits. */
  | { readonly kind: 'half'; readonly path: string }
  | { readonly kind: 'gradient'; readonly path: string }
  | {
      readonly kind: 'flat'
      readonly arena: 'parameters' | 'gradients' | 'moments' | 'half'
      readonly group: UpdateGroup | 'all'
      readonly moment?: string
    }
  | { readonly kind: 'state'; readonly path: string }
  /** Kept from one position of an incremental form to the next. */
  | { readonly kind: 'carried'; readonly name: string }
  | { readonly kind: 'result'; readonly name: string; readonly role: Result['role'] }
  | { readonly kind: 'constant'; readonly data: readonly number[] }
  /** The number of a stream of random bits. */
  | { readonly kind: 'stream'; readonly stream: number }
  | { readonly kind: 'intermediate' }
  /** The numbers of a loop's turns, 256 bytes apart. */
  | { readonly kind: 'turns' }

export interface MemoryValue {
  /** Among the values of its program, so that what is known of values is a list. */
  readonly number: number
  readonly key: string
  readonly class: ValueClass
  readonly bytes: Dim
  readonly storage: Storage
  readonly shape: readonly Dim[]
  readonly dtype: Node['dtype']
}

export interface StageBinding {
  readonly value: MemoryValue
  readonly access: Binding['access']
  /** How many bytes of the value the kernel moves, where that is not all of it once: a part, or what is read and written. */
  readonly moved?: Dim | undefined
}

export interface Stage {
  /** A recurrence in one kernel is printed when its tensors have places: those of one arena are bound together. */
  readonly emitted: EmittedStage | EmittedScan
  readonly kernel: Kernel | ScanKernel
  /** First stage of its kernel: carries the kernel's cost. */
  readonly first: boolean
  readonly bindings: readonly StageBinding[]
  /** Values of symbols that are fixed for this phase (`N` of a flat phase). */
  readonly fixed: ReadonlyMap<string, Dim>
}

/** Stages `[first, end)` that run `count` times; an outer loop stands before the loops inside it. */
export interface Loop {
  readonly first: number
  readonly end: number
  readonly count: Dim
  readonly reverse: boolean
  /** What its kernels read the number of the turn from. */
  readonly turns: MemoryValue
}

/** A recurrence of the program: the stages that do it, and why these are more than one. */
export interface Recurrence {
  /** One of its kernels, which knows the source lines. */
  readonly kernel: Kernel | ScanKernel
  readonly first: number
  readonly end: number
  readonly count: Dim
  readonly stop: ScanStop | undefined
}

/** A value must keep its place from one stage to another, whatever binds it: it outlives the turns of a loop. */
export interface Lifetime {
  readonly value: MemoryValue
  readonly from: number
  readonly to: number
}

export interface StagedEntry {
  readonly name: string
  readonly pool: string
  readonly stages: readonly Stage[]
  readonly loops: readonly Loop[]
  readonly recurrences: readonly Recurrence[]
  readonly lifetimes: readonly Lifetime[]
  readonly inputs: readonly MemoryValue[]
  readonly results: readonly MemoryValue[]
}

export interface FusedEntry {
  readonly name: string
  readonly phases: readonly FusedPhase[]
}

/** A kernel as text; the sizes are those that the phase fixes. */
export interface Emit {
  (kernel: Kernel, sizes: ReadonlyMap<string, Dim>, storages: readonly Storage[]): EmittedKernel
  /** Recurrences as one kernel, where there is a printer for such. */
  readonly scans?:
    | {
        readonly print: (
          kernel: ScanKernel,
          sizes: ReadonlyMap<string, Dim>,
          storages: readonly Storage[],
        ) => EmittedScan
        /** Why a recurrence is better run by a loop of kernels than by one; `undefined` where it is not. */
        readonly declines: (kernel: ScanKernel, sizes: ReadonlyMap<string, Dim>) => ScanStop | undefined
      }
    | undefined
}
