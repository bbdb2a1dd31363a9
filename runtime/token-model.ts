/** A model that says tokens → the same with `generate`: tokens one by one, drawn or searched for, from sessions that are kept. */
import { beamSearch } from './decode/beam.ts'
import { generate } from './decode/generate.ts'
import { incremental } from './decode/incremental.ts'
import type { Executor, TensorData } from './executor.ts'
import type { GenerationOptions, ModelSpec, OpenModelOptions, TokenModel } from './model-spec.ts'
import { contextOf, openStepping, sourcesOf } from './sequence-model.ts'
import { elements } from './size.ts'

interface Kept {
  readonly key: string
  readonly executor: Executor
  version: number
}

export async function openTokenModel<I, O, P extends string, S, N, Q>(
  spec: ModelSpec,
  options: OpenModelOptions,
): Promise<TokenModel<I, O, P, S, N, Q>> {
  const stepping = await openStepping<I, O, P, S, N, Q>(spec, options)
  const { model, program, sequences } = stepping
  const { input, output, vocabulary } = sequences.tokens!
  const free: Kept[] = []

  /** A session that nobody uses, with the weights as they are now. */
  const borrow = async (rows: number, context: number | undefined): Promise<Kept> => {
    const key = `${rows} ${context}`
    const at = free.findIndex((kept) => kept.key === key)
    const kept =
      at < 0 ? { key, executor: await stepping.open({ rows, context }), version: -1 } : free.splice(at, 1)[0]!
    const version = stepping.version()
    if (kept.version !== version) await stepping.fill(kept.executor)
    kept.version = version
    return kept
  }
  /** One row's source, for every row. */
  const othersOf = (executor: Executor, rows: number, source: Readonly<Record<string, TensorData>>) =>
    new Map(
      sourcesOf(sequences, program).flatMap((name): [string, TensorData][] => {
        const given = source[name]
        const slot = program.tensors.find((t) => t.name === name)!
        if (!given) return []
        if (rows === 1 || given.length * rows !== elements(slot.shape, executor.dims)) return [[name, given]]
        const all = new (given.constructor as new (length: number) => TensorData)(given.length * rows)
        for (let row = 0; row < rows; row++) all.set(given, row * given.length)
        return [[name, all]]
      }),
    )
  async function* tokens(prompt: ArrayLike<number>, how: GenerationOptions<S>): AsyncGenerator<number, void, void> {
    const { beams, lengthPenalty, context, source, ...request } = how as GenerationOptions<S> & { readonly source?: S }
    const rows = beams ?? 1
    const kept = await borrow(rows, context)
    const { executor } = kept
    const room = contextOf(sequences, executor)
    const others = othersOf(executor, rows, (source ?? {}) as Readonly<Record<string, TensorData>>)
    try {
      const sequence = incremental(executor, { input, output, rows, context: room, vocabulary, others })
      if (beams === undefined) yield* generate(sequence, prompt, request)
      else {
        const [best] = await beamSearch(sequence, prompt, { ...request, stop: request.stop ?? [], lengthPenalty })
        yield* best?.tokens ?? []
      }
    } finally {
      free.push(kept)
    }
  }
  return { ...model, generate: tokens }
}
