/**
 * `cross_entropy(label, logits)` → one fault that says that the two are in each other's place, instead of a fault for each. It
 * is told by the types alone: an argument is not of the kind that its parameter takes, and with these two exchanged, and no others,
 * the call has no fault. Where only sizes disagree nothing is presumed: they may be wrong in any order.
 */
import type { Span } from '../../grammar/source.ts'
import * as calls from '../diagnostics/calls.ts'
import * as shapes from '../diagnostics/shapes.ts'
import { DimOverflow } from '../ir/dim.ts'
import { ShapeFault } from '../ops/op.ts'
import { Abandoned, type Elaboration, fail, Reported, Sink } from './elaboration.ts'
import { describe, type Given } from './value.ts'

export interface FaultyCall {
  readonly label: string
  readonly span: Span
  readonly given: readonly Given[]
  /** How many diagnostics there were before the call. */
  readonly before: number
  /** The argument of each parameter, of those given. */
  readonly assigned: ReadonlyMap<string, Given>
  /** Runs the call with other arguments, and throws or complains where they do not fit. */
  readonly run: (e: Elaboration, given: readonly Given[]) => void
}

/** Returns where nothing is gained by an exchange: the faults that were found stand. */
export function tellSwapped(e: Elaboration, call: FaultyCall): void {
  const { given, before } = call
  if (given.length < 2 || given.length > most || !e.sink.suggests) return
  if (!e.sink.diagnostics.slice(before).some(({ code }) => ofKinds.has(code))) return
  if (given.some(({ value }) => value.kind === 'poison')) return
  const found: (readonly [number, number])[] = []
  for (let i = 0; i < given.length; i++)
    for (let j = i + 1; j < given.length; j++)
      if (given[i]!.span !== given[j]!.span && fits(e, call, exchanged(given, i, j))) found.push([i, j])
  const [pair, another] = found
  if (!pair || another) return
  const [i, j] = pair
  const parameter = (at: number) => [...call.assigned].find(([, argument]) => argument === given[at])?.[0]
  const names = [parameter(i), parameter(j)] as const
  if (names[0] === undefined || names[1] === undefined) return
  e.sink.withdraw(before)
  const argument = (at: number, name: string) => ({
    span: given[at]!.span,
    name,
    given: describe(given[at]!.value),
  })
  fail(e, calls.swapped, {
    label: call.label,
    call: call.span,
    first: argument(i, names[0]),
    second: argument(j, names[1]),
  })
}

const { wrongKind, wrongDtype, wrongRank, indexDtype, operandDtype, notATensor, notADim } = shapes
/** What is said of an argument by itself. */
const ofKinds: ReadonlySet<string> = new Set(
  [wrongKind, wrongDtype, wrongRank, indexDtype, operandDtype, notATensor, notADim].map(({ code }) => code),
)

/** Arguments among which a pair is looked for. */
const most = 6

function exchanged(given: readonly Given[], i: number, j: number): readonly Given[] {
  return given.map((argument, at) => {
    const from = given[at === i ? j : at === j ? i : at]!
    return { ...argument, value: from.value, span: from.span }
  })
}

function fits(e: Elaboration, { run }: FaultyCall, given: readonly Given[]): boolean {
  const sink = new Sink()
  try {
    run({ ...e, sink, blamed: new Set(e.blamed) }, given)
    return sink.diagnostics.length === 0
  } catch (thrown) {
    if (
      thrown instanceof Reported ||
      thrown instanceof Abandoned ||
      thrown instanceof ShapeFault ||
      thrown instanceof DimOverflow
    )
      return false
    throw thrown
  }
}
