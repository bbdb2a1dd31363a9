/**
 * Schedules are data: how a kernel's loops are laid over lanes and workgroups. Every choice gives the same result
 * within rounding, and each is tested with the same cases; `default-schedule.ts` picks one.
 */
export type Target = 'gpu' | 'cpu-class'

/** What the adapter can do, as far as schedules ask. The defaults are what WebGPU guarantees. */
export interface Limits {
  /** The subgroup size where it is one fixed number and the adapter has the feature. */
  readonly subgroup: number | undefined
  readonly workgroupInvocations: number
  readonly workgroupBytes: number
  readonly storageBuffers: number
  /** What its subgroups multiply as matrices, where the device has the feature. Only the tuner asks. */
  readonly matrices?: Matrices | undefined
}
export const guaranteedLimits: Limits = {
  subgroup: undefined,
  workgroupInvocations: 256,
  workgroupBytes: 16384,
  storageBuffers: 8,
}

/** Products that a subgroup computes as one instruction: `M × K` times `K × N`. */
export interface MatrixConfiguration {
  /** Of the operands. */
  readonly component: 'f16' | 'f32'
  readonly M: number
  readonly N: number
  readonly K: number
}
export interface Matrices {
  /** Those that add in float32. */
  readonly configurations: readonly MatrixConfiguration[]
  /** How many lanes a subgroup may have; a workgroup must be a multiple of the most. */
  readonly subgroups: readonly number[]
  /** As the device has them: such a kernel is for no other. */
  readonly workgroupInvocations: number
  readonly workgroupBytes: number
}

export type Schedule =
  | MapSchedule
  | RowSchedule
  | ContractSchedule
  | MatrixSchedule
  | AttentionSchedule
  | LoopSchedule
  | ScanSchedule
export interface GuardChoice {
  /**
   * Guards as branches, as selects over loads that are always in range, or as selects over loads that run in any case
   * (`free`): WebGPU gives some value for a read beyond a binding, and the select drops it.
   */
  readonly guards: 'branch' | 'select' | 'free'
}

export interface MapSchedule extends GuardChoice {
  readonly kind: 'map'
  readonly lanes: number
  /** Elements that a lane takes one after another. */
  readonly steps: number
}
export type RowSchedule = GuardChoice &
  (
    | { readonly kind: 'row'; readonly by: 'lane'; readonly lanes: number; readonly steps: number }
    /** A workgroup for each outer index: lanes stride over the row and combine in a tree. */
    | { readonly kind: 'row'; readonly by: 'workgroup'; readonly lanes: number }
    /** The row cut in parts, a workgroup for each; partial results in scratch memory, combined by further dispatches. */
    | {
        readonly kind: 'row'
        readonly by: 'parts'
        readonly lanes: number
        readonly parts: number
        readonly steps: number
      }
  )
export interface ContractSchedule extends GuardChoice {
  readonly kind: 'contract'
  /**
   * Where the left operand of a tile comes from: each lane reads it (`registers`), each lane of a subgroup reads some
   * rows and broadcasts them (`subgroup`), or the workgroup stages both operands in its memory (`workgroup`).
   */
  readonly by: 'registers' | 'subgroup' | 'workgroup'
  /** Results of one invocation: rows, and columns or vectors of columns. */
  readonly rows: number
  readonly columns: number
  /** Neighbouring columns that are one vector; 1 for scalars. Where the innermost column axis is no multiple of it, 1. */
  readonly vector: 1 | 4
  /** Indices of the innermost depth axis that a turn of the loop takes. Where its extent is no multiple of it, 1. */
  readonly unroll: number
  /** Lanes along the columns, and, for `workgroup`, along the rows. */
  readonly lanes: number
  readonly rowLanes: number
  /**
   * How many results are written: each with its own text, or by a loop over an array of the sums. On a GPU such an array
   * would leave the registers; in software every store in the text is compiled for every lane.
   */
  readonly stores: 'text' | 'loop'
  /** Depth of a staged block, for `workgroup`. */
  readonly block: number
  /** Lanes of a subgroup, for `subgroup`. */
  readonly subgroup: number
  /** Whether, for `subgroup`, the left operand is laid out in panels first. Where the rows are no multiple of 4, not. */
  readonly panels: boolean
  /** Parts into which the outermost depth axis is cut, each summed by its own workgroups; 1 for none. */
  readonly split: number
}
/**
 * A contraction by subgroup matrices (tensor cores). The workgroup stages both operands in its memory, filled up with zeros
 * at the edges, and each of its subgroups multiplies some rows and columns of matrices out of it.
 */
export interface MatrixSchedule extends GuardChoice {
  readonly kind: 'contract'
  readonly by: 'matrix'
  readonly configuration: MatrixConfiguration
  /** Result matrices of one subgroup. */
  readonly rows: number
  readonly columns: number
  /** Subgroups of a workgroup. */
  readonly rowGroups: number
  readonly columnGroups: number
  /** Lanes that a subgroup is thought to have: with others the result is the same, later. */
  readonly subgroup: number
  /** Matrices along the depth of a staged block. */
  readonly block: number
  readonly split: number
}
export type AttentionSchedule = GuardChoice &
  (
    | {
        readonly kind: 'attention'
        readonly by: 'lane'
        readonly lanes: number
        readonly steps: number
        /** The most columns that one lane has. */
        readonly width: number
        /** Whether their sums are named registers, each with its own text, or an array. */
        readonly unrolled: boolean
      }
    | { readonly kind: 'attention'; readonly by: 'workgroup'; readonly lanes: number }
  )
export interface LoopSchedule extends GuardChoice {
  readonly kind: 'scatter' | 'running'
  readonly lanes: number
  readonly steps: number
}

/**
 * A recurrence in one kernel. By lane: each lane runs rows of its own from the first turn to the last and waits for
 * nobody, and the lanes of a subgroup share what they read of the right operand of a product by broadcast. By workgroup:
 * a workgroup runs some rows, its lanes share each phase and wait for one another after it.
 */
export type ScanSchedule = GuardChoice & {
  readonly kind: 'scan'
  /** Rows of a lane, or of a workgroup. */
  readonly rows: number
  readonly lanes: number
  /** Columns of a product that a lane reads at a time. */
  readonly columns: number
  /** Products and other steps of one dispatch, about: longer recurrences are cut into several. */
  readonly work: number
} & (
    | { readonly by: 'lane' /** Its size, or 0 where each lane reads for itself. */; readonly subgroup: number }
    | {
        readonly by: 'workgroup' /** Bytes of workgroup memory for carries and what lives within a turn. */
        readonly memory: number
      }
  )
