/**
 * A session's variables ↔ a safetensors file, streamed: the header is checked against the program, name by name, before
 * the first byte of a tensor is uploaded; then tensors go to the device one at a time.
 */
import { arenasOf, type VariableRecord } from './abi.ts'
import { isMomentKey, momentKey } from './checkpoint.ts'
import { CheckpointError } from './checkpoint-error.ts'
import { NameError, UnsupportedError } from './errors.ts'
import type { Executor } from './executor.ts'
import type { LoadOptions, ModelSpec, ParameterInfo, Weights } from './model-spec.ts'
import { platform } from './platform.ts'
import { joinChunks, readSafetensorsHeader, safetensorsChunks, type Tensor, widthOf } from './safetensors.ts'
import { elements } from './size.ts'
import type { Stored } from './stored-as.ts'
import { checkWeights, momentSlots, valuesOf, variablesOf } from './variables.ts'
import { openSource, type WeightsSource } from './weights-source.ts'

export type Metadata = ReadonlyMap<string, string>

/** The parameters and states that a session running these entries holds: inference may have no use for a state. */
export function heldBy({ program }: Executor, entries: readonly string[]): readonly VariableRecord[] {
  const arenas = new Set(arenasOf(program, entries))
  const slots = new Map(program.tensors.map(({ name, arena }) => [name, arena]))
  return variablesOf(program).filter(({ path }) => arenas.has(slots.get(path) ?? -1))
}

interface Target {
  readonly slot: string
  /** What the file calls it. */
  readonly key: string
  readonly record: Pick<VariableRecord, 'shape' | 'dtype'>
  readonly stored?: Pick<Stored, 'key'> & Partial<Stored>
}

/** Loads parameters and states; moments too where they are asked for and the file has them. */
export async function loadInto<P extends string>(
  executor: Executor,
  held: readonly VariableRecord[],
  from: WeightsSource,
  { names: called, except = () => false }: LoadOptions<P>,
  resume: boolean,
): Promise<Metadata> {
  const names: Readonly<Partial<Record<string, string | Stored>>> = called ?? {}
  const source = await openSource(from)
  try {
    const { tensors, metadata } = await readSafetensorsHeader(source)
    const targets: Target[] = held
      .filter(({ path }) => !except(path as P))
      .map((record) => {
        const given = Object.hasOwn(names, record.path) ? names[record.path] : undefined
        const stored: Target['stored'] = typeof given === 'object' ? given : { key: given ?? record.path }
        return { slot: record.path, key: stored.key, record, stored }
      })
    for (const name of Object.keys(names))
      if (!targets.some(({ slot }) => slot === name))
        throw new NameError(
          'parameter',
          name,
          targets.map(({ slot }) => slot),
        )
    if (resume && [...tensors.keys()].some(isMomentKey))
      for (const { name, shape } of momentSlots(executor.program))
        targets.push({
          slot: name,
          key: momentKey(name),
          record: { shape: [elements(shape, executor.dims)], dtype: 'float' },
        })
    for (const { key, record, stored } of targets) checkWeights(source.name, tensors, key, record, stored)
    const wanted = targets
      .map((target) => ({ ...target, entry: tensors.get(target.key)! }))
      .sort((a, b) => a.entry.offset - b.entry.offset)
    for (const { slot, record, stored, entry } of wanted) {
      const { dtype, shape } = entry
      const read = await source.read(entry.offset, entry.byteLength)
      if (read.length < entry.byteLength) throw new CheckpointError(source.name, 'it ended before its last tensor')
      const bytes = stored?.bytes?.(read, shape, widthOf(dtype)) ?? read
      executor.write(slot, valuesOf(dtype, bytes, record.dtype))
    }
    return metadata
  } finally {
    await (source as { close?(): Promise<void> }).close?.()
  }
}

/** The tensors as a file that says where it comes from; with a path, written there too. */
export async function saveTensors(
  tensors: () => Promise<ReadonlyMap<string, Tensor>>,
  { name, origin }: ModelSpec,
  more: Iterable<readonly [string, string]>,
  path: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const { writeFile } = platform()
  if (path !== undefined && !writeFile)
    throw new UnsupportedError(
      'there are no files here to save to',
      'call save() without a path and keep the bytes it gives',
    )
  const bytes = joinChunks(safetensorsChunks(await tensors(), new Map([['model', name], ...origin, ...more])))
  if (path !== undefined) await writeFile!(path, bytes)
  return bytes
}

/** The part of a model or trainer that a session gives as it is. */
export function weightsOfSession<P extends string>(
  executor: Executor,
  held: readonly VariableRecord[],
): Pick<
  Weights<P>,
  'device' | 'dims' | 'allocatedBytes' | 'parameters' | 'read' | 'lost' | 'dispose' | typeof Symbol.dispose
> {
  const parameters = held.map(
    ({ path, shape, dtype, trainable }): ParameterInfo<P> => ({
      path: path as P,
      shape,
      dtype,
      trainable,
    }),
  )
  const dispose = () => executor.dispose()
  return {
    device: executor.device,
    dims: executor.dims,
    allocatedBytes: executor.allocatedBytes,
    lost: executor.lost,
    parameters,
    read: (path) => executor.read(path),
    dispose,
    [Symbol.dispose]: dispose,
  }
}
