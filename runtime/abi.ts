/**
 * The contract between the compiler and the runtime: a compiled program as plain data (JSON but for typed arrays). The
 * runtime executes it, generated modules embed it, `inspect` prints it. Nothing here refers to the compiler.
 */

// ---------------------------------------------------------------- sizes

/**
 * A size that may depend on free dims: a number, or a sum of terms, each a coefficient times a product of factors. A
 * factor is a dim's name or the floor quotient of two sizes.
 */
export type Size = number | { readonly terms: readonly SizeTerm[] }
export type SizeTerm = readonly [coefficient: number, ...factors: SizeFactor[]]
export type SizeFactor = string | { readonly floor: readonly [Size, Size] }

export type DimValues = Readonly<Record<string, number>>

// ---------------------------------------------------------------- program

/** How numbers lie in a buffer. */
export type Storage = 'f32' | 'f16' | 'i32' | 'u32'

export interface CompiledProgram {
  readonly abi: 1
  readonly name: string
  /** Free dims a session binds when it opens, each with the default used by `inspect`. */
  readonly dims: readonly string[]
  /** What must hold of the dims: sizes that must not be negative, and what to say where one is. */
  readonly requirements?: readonly { readonly size: Size; readonly says: string }[]
  readonly arenas: readonly Arena[]
  readonly tensors: readonly TensorSlot[]
  readonly pipelines: readonly Pipeline[]
  readonly entries: readonly Entry[]
  readonly parameters: readonly VariableRecord[]
  readonly states: readonly VariableRecord[]
  /** Per moment of each update group: the arena starts at this value. */
  readonly moments: readonly MomentRecord[]
  /** What a training step reads besides its batch; written every step as one small upload. */
  readonly stepBlock: readonly StepField[]
  /** The code of all pipelines, where they are WebAssembly functions rather than shaders. */
  readonly wasm?: WasmCode
  readonly footprint: Footprint
}

/**
 * One WebAssembly module for all pipelines of a program, whose sizes are filled in when a session opens, so that the
 * engine sees every dim as a constant. `runtime/wasm/specialize.ts` does all that is described here.
 *
 * The module imports, from `dlm`: `memory`, and `workspace`, the byte address (a multiple of 64) of `workspace` bytes
 * that belong to the thread that instantiates it. Every pipeline is an exported function
 * `(firstGroup: i32, endGroup: i32, address: i32 …)` with one byte address per binding. `workgroups[0]` of a dispatch is
 * its number of groups: independent parts of the work, the same for any number of threads. Any thread may run any range
 * of them, in any order; the bits of the result do not depend on it.
 */
export interface WasmCode {
  /** Base64 of the module, as it is or packed. */
  readonly code: string
  readonly packed?: 'deflate-raw'
  /** Where five-byte LEB128 constants stand, and what each is in terms of the free dims. */
  readonly sizes: readonly { readonly at: number; readonly size: Size }[]
  /**
   * Where `c + a·b` stands as two operations; an engine with relaxed SIMD takes `f32x4.relaxed_madd` there. Twelve bytes:
   * `local.get c, local.get a, local.get b, f32x4.mul, f32x4.add`.
   */
  readonly products: readonly number[]
  /** Where the limits of the memory stand: a byte of flags (3: shared, 1: not), then minimum and maximum, each of five bytes. */
  readonly limits: number
  /** Bytes of work space that each thread needs: in whole pages, beside what is certified. */
  readonly workspace: number
}

/** One buffer. */
export interface Arena {
  readonly name: string
  /** What lives in it. Parameters, states, moments, gradients and what is carried keep their values between entries. */
  readonly role:
    | 'parameters'
    | 'states'
    | 'carried'
    | 'gradients'
    | 'moments'
    | 'batch'
    | 'step'
    | 'results'
    | 'activations'
    | 'constants'
    | 'turns'
  readonly bytes: Size
  /** Initial contents, for constants (base64 of little-endian words). */
  readonly contents?: string
}

/** A named tensor that the host may write or read. */
export interface TensorSlot {
  readonly name: string
  readonly role:
    | 'input'
    | 'target'
    | 'parameter'
    | 'state'
    | 'carried'
    | 'moment'
    | 'gradient'
    | 'output'
    | 'exposed'
    | 'loss'
    | 'metric'
  readonly arena: number
  /** Bytes from the start of the arena; a multiple of 256. */
  readonly offset: Size
  readonly shape: readonly Size[]
  /** What the user sees. */
  readonly dtype: 'float' | 'int' | 'uint' | 'bool'
  readonly storage: Storage
}

/** What kernels ask of an adapter beyond WebGPU itself. The last is a draft, which Dawn has behind a toggle. */
export type Feature = 'shader-f16' | 'subgroups' | 'chromium-experimental-subgroup-matrix'

/** A shader module with its specialisation: equal pipelines are one. */
export interface Pipeline {
  readonly name: string
  /** Empty where the pipeline is a WebAssembly function. */
  readonly wgsl: string
  /** The function's name among the exports of the program's WebAssembly module. */
  readonly wasm?: { readonly export: string }
  /** Pipeline-overridable constants and what they are in terms of the free dims. */
  readonly constants: Readonly<Record<string, Size>>
  readonly workgroup: readonly [number, number, number]
  /** Adapter features it needs; a program is refused, or a variant chosen, where one is missing. */
  readonly features: readonly Feature[]
}

export interface Entry {
  /** `infer`, `evaluate`, `step`, `gradients`; `begin`, `prefill`, `advance`, `reorder` of the incremental form. */
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly dispatches: readonly Dispatch[]
  /** Runs of dispatches that are repeated, an outer one before those inside it. */
  readonly loops?: readonly EntryLoop[]
  /** The recurrences of the model, for people: those in one kernel, and those that are loops, with the reason. */
  readonly recurrences?: readonly EntryRecurrence[]
}

/** Dispatches `[first, end)` do `count` turns of a recurrence: one kernel, or a loop for the reason given. */
export interface EntryRecurrence {
  readonly first: number
  readonly end: number
  readonly count: Size
  readonly origins: readonly string[]
  readonly stop?: string
}

/** Dispatches `[first, end)` run `count` times. */
export interface EntryLoop {
  readonly first: number
  readonly end: number
  readonly count: Size
  /** Turns are counted down. */
  readonly reverse: boolean
}

export interface Dispatch {
  readonly pipeline: number
  readonly bindings: readonly Binding[]
  /** Workgroups; a product above the adapter's limit in one dimension is folded into the next by the runtime's caller. */
  readonly workgroups: readonly [Size, Size, Size]
  /** Kernel kind and the fused ops, for people: `contract+bias+relu`. */
  readonly label: string
  readonly flops: Size
  /** Bytes that must move: each bound tensor once. */
  readonly bytes: Size
  /** How often it runs, where it stands in loops; `flops` and `bytes` count all turns. */
  readonly repeats?: Size
  /** Source lines that made it: `convnet.dlm:14`. */
  readonly origins: readonly string[]
  /** Why fusion stopped at its inputs and outputs. */
  readonly stops: readonly string[]
}

export interface Binding {
  readonly arena: number
  readonly offset: Size
  readonly bytes: Size
  /** `uniform`: a few numbers that are the same for all lanes, beside the storage buffers. */
  readonly access: 'read' | 'write' | 'uniform'
  /** The number of the turn of this loop of the entry: 256 bytes further with each turn. */
  readonly turn?: number
}

export interface VariableRecord {
  readonly path: string
  readonly shape: readonly number[]
  readonly dtype: 'float' | 'int' | 'uint' | 'bool'
  readonly initial: Initializer
  readonly trainable: boolean
}
export interface MomentRecord {
  readonly name: string
  readonly arena: number
  readonly initial: number
}

/** Fields of the step block, four bytes each: `seed`, `counter` (u32: the key of random streams), `step`, `rate.0`, `rate.1`, … (f32). */
export interface StepField {
  readonly name: string
  readonly storage: 'f32' | 'u32'
  readonly offset: number
}

/** The certificate: exact bytes and counts, as polynomials in the free dims. */
export interface Footprint {
  /** Per entry set: what opening a session for inference or for training allocates. */
  readonly inference: FootprintPart
  readonly training: FootprintPart | undefined
}
export interface FootprintPart {
  readonly entries: readonly string[]
  readonly arenas: readonly number[]
  /** Sum of the arenas' bytes plus staging. */
  readonly bytes: Size
  /** Upload and readback buffers of the runtime, also created once; for WebAssembly, to whole pages. */
  readonly staging: Size
  readonly flops: Size
  readonly moved: Size
  readonly dispatches: number
  readonly pipelines: number
}

// ---------------------------------------------------------------- initial values, schedules

/** How a variable's first value is drawn; random ones use stream `path` of the run's seed (Threefry-2x32, 20 rounds). */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'truncated_normal'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'literal'; readonly values: readonly number[] }

/** Learning rate as a function of the step (1-based), evaluated on the host in float64. */
export type ScheduleDescription =
  | { readonly kind: 'constant'; readonly rate: number }
  | { readonly kind: 'linear'; readonly from: number; readonly to: number; readonly steps: number }
  | {
      readonly kind: 'cosine'
      readonly peak: number
      readonly steps: number
      readonly floor: number
      readonly warmup: number
    }
  | { readonly kind: 'warmup'; readonly steps: number; readonly then: ScheduleDescription }
  | { readonly kind: 'noam'; readonly dim: number; readonly warmup: number; readonly factor: number }

// ---------------------------------------------------------------- data

/** A `data` block. Partitions are `train`, `validation`, `test` or a user's own. */
export interface DataDescription {
  readonly name: string
  readonly partitions: readonly PartitionDescription[]
}
export type PartitionDescription =
  | { readonly kind: 'fields'; readonly name: string; readonly fields: readonly FieldDescription[] }
  /** A seeded part cut off another partition, which then no longer has it. */
  | { readonly kind: 'split'; readonly name: string; readonly from: string; readonly fraction: number }
export interface FieldDescription {
  readonly name: string
  readonly source: SourceDescription
  readonly stages: readonly StageDescription[]
}
export type SourceDescription =
  | { readonly kind: 'idx'; readonly path: string }
  | { readonly kind: 'csv'; readonly path: string; readonly columns: readonly string[]; readonly header: boolean }
  /** A whole file as one text. */
  | { readonly kind: 'text'; readonly path: string }
  /** Each line a text. */
  | { readonly kind: 'lines'; readonly path: string }
  /** Each line a JSON object, of which one field is taken: a text, a number, a list of words or of numbers. */
  | { readonly kind: 'jsonl'; readonly path: string; readonly field: string }
export type StageDescription = NumberStage | TextStage
export type NumberStage =
  | { readonly kind: 'scale'; readonly by: number }
  | { readonly kind: 'shift'; readonly by: number }
  | { readonly kind: 'normalize'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'reshape'; readonly shape: readonly number[] }
  | { readonly kind: 'one_hot'; readonly classes: number }
/** From text to numbers: done once, when the data is opened. */
export type TextStage =
  | { readonly kind: 'lowercase' }
  /** Text becomes its place in the list. */
  | { readonly kind: 'categories'; readonly names: readonly string[] }
  /** Text becomes token ids, by the vocabulary of the field of the same name in the partition `train`. */
  | { readonly kind: 'tokenize'; readonly tokenizer: TokenizerDescription }
  /** `<bos>` before the tokens; `<eos>` after them. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' }
  /** At most so many tokens. */
  | { readonly kind: 'truncate'; readonly length: number }
  /**
   * `<pad>` behind the tokens, up to a length that all examples then have; where there are `buckets`, ascending and the last
   * the length, those of a batch have the least of these that holds them all.
   */
  | { readonly kind: 'pad'; readonly length: number; readonly buckets?: readonly number[] }
  /** All tokens in a row, cut into pieces of one length that begin `stride` apart, or `ahead` tokens after those places. */
  | { readonly kind: 'window'; readonly length: number; readonly stride: number; readonly ahead: number }
  /** 1 where a token is and 0 where `<pad>` is. */
  | { readonly kind: 'mask' }
/** `size` counts all ids of the vocabulary, the four special ones included. */
export type TokenizerDescription =
  | { readonly kind: 'bytes' }
  | { readonly kind: 'chars' | 'words' | 'bpe'; readonly size: number }

// ---------------------------------------------------------------- pure functions both sides agree on

/** Bytes between the numbers of a loop's turns: the least step at which WebGPU binds. */
export const turnBytes = 256

/** The sum of sizes, as a size. */
export function addSizes(...sizes: readonly Size[]): Size {
  let constant = 0
  const terms: SizeTerm[] = []
  /** Of the terms: their factors as text. */
  const keys: string[] = []
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i]!
    if (typeof size === 'number') {
      constant += size
      continue
    }
    for (let j = 0; j < size.terms.length; j++) {
      const term = size.terms[j]!
      if (term.length === 1) {
        constant += term[0]
        continue
      }
      const factors = term.slice(1) as SizeFactor[]
      const key = JSON.stringify(factors)
      const at = keys.indexOf(key)
      if (at === -1) {
        terms.push(term)
        keys.push(key)
      } else terms[at] = [terms[at]![0] + term[0], ...factors]
    }
  }
  return terms.length === 0 ? constant : { terms: constant === 0 ? terms : [...terms, [constant]] }
}

/**
 * The arenas that a session running these entries allocates: all that their dispatches bind, and the parameters'.
 * In ascending order.
 */
export function arenasOf(program: Omit<CompiledProgram, 'footprint'>, entries: readonly string[]): number[] {
  const used = program.arenas.map((arena) => arena.role === 'parameters')
  for (const { name, dispatches } of program.entries) {
    if (!entries.includes(name)) continue
    for (let i = 0; i < dispatches.length; i++) {
      const { bindings } = dispatches[i]!
      for (let j = 0; j < bindings.length; j++) used[bindings[j]!.arena] = true
    }
  }
  return used.flatMap((isUsed, index) => (isUsed ? [index] : []))
}

/** Runs whose scalars (losses, metrics) the device keeps until they are read back. */
export const ringRows = 256

/** Bytes of the buffer through which tensors come back, a part at a time. */
export const readbackBytes = 1 << 20

/** Buffers of a few bytes that tell when a run has ended: one more than the runs that may be in flight, and one to spare. */
export const fences = 4
export const fenceBytes = 16

/** Names of the losses and metrics that these entries give, in the order of a ring row's words. */
export function scalarsOf(program: Omit<CompiledProgram, 'footprint'>, entries: readonly string[]): string[] {
  const scalars = new Set(program.tensors.filter((t) => t.role === 'loss' || t.role === 'metric').map((t) => t.name))
  const given = program.entries.filter((e) => entries.includes(e.name)).flatMap((e) => e.outputs)
  return [...new Set(given)].filter((name) => scalars.has(name))
}

/**
 * The buffers that a session running these entries creates beside the arenas: one row of scalars per run on the
 * device, the same again where the host can map it, the buffer through which tensors are read, and the fences.
 */
export function stagingBytes(program: Omit<CompiledProgram, 'footprint'>, entries: readonly string[]): number {
  return readbackBytes + 2 * 4 * ringRows * scalarsOf(program, entries).length + fences * fenceBytes
}

// ---------------------------------------------------------------- training

/** What a training run is, besides its program and data. */
export interface TrainSettings {
  readonly batch: number
  /** Passes over the training data; the run ends at whichever of `epochs` and `steps` comes first. */
  readonly epochs: number | undefined
  readonly steps: number | undefined
  /** First values, the order of the data and dropout follow from it; a uint32. */
  readonly seed: number
  /** Per update group: the fields `rate.0`, `rate.1`, … of the step block (`rate` alone is group 0). */
  readonly rates: readonly ScheduleDescription[]
  /** Validate every so many steps; `undefined`: after each epoch. A checkpoint is saved each time. */
  readonly validateEvery?: number | undefined
  /** Further checkpoints every so many steps. */
  readonly checkpointEvery?: number | undefined
  /** The final model is the mean of the parameters of the last so many checkpoints. */
  readonly averageLast?: number | undefined
  /** What makes a checkpoint the best: a scalar of validation (of the epoch, where there is none). By default the least loss. */
  readonly monitor?: { readonly scalar: string; readonly mode: 'min' | 'max' } | undefined
  /** Stops after so many validations in a row that are not better by more than `minDelta`. */
  readonly patience?: number | undefined
  readonly minDelta?: number | undefined
  /** Reads scalars back at the latest after so many steps (10). */
  readonly readEvery?: number | undefined
}
