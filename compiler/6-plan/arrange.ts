/**
 * The bindings of a stage, once its values have places. A recurrence in one kernel reads and writes many tensors: those of
 * one arena are bound together, as one range, and each begins a number of elements from the start of it.
 */
import type { Binding } from '../../runtime/abi.ts'
import { add, type Dim, dim, exactQuotient, subtract } from '../ir/dim.ts'
import type { EmittedStage, ScanStage } from '../lowered.ts'
import { atMost, roundUp } from './sizes.ts'
import type { MemoryValue, Stage } from './staged.ts'

/** A range of an arena from the place of `value` on: to the end of that value, or to `end`. */
export interface Bound {
  readonly value: MemoryValue
  readonly access: Binding['access']
  readonly end?: Dim
}

type Locate = (value: MemoryValue) => { readonly arena: number; readonly offset: Dim }

export function arrange(
  stage: Stage,
  locate: Locate,
): { emitted: EmittedStage | ScanStage; bindings: readonly Bound[] } {
  const { emitted, bindings } = stage
  if (!('chunks' in emitted)) return { emitted, bindings }
  const bySlot = emitted.slots.map(({ slot }, i) => ({ slot, ...bindings[i]! }))
  const groups: (typeof bySlot)[] = []
  for (const member of bySlot) {
    const { arena } = locate(member.value)
    const known = groups.find(
      ([first]) => locate(first!.value).arena === arena && first!.value.storage === member.value.storage,
    )
    if (known) known.push(member)
    else groups.push([member])
  }
  const starts = groups.map((members) => firstOf(members, locate))
  const made = emitted.stage(
    groups.map((members, at) => ({
      access: accessOf(members),
      members: members.map(({ slot, value }) => ({
        slot,
        offset: exactQuotient(subtract(locate(value).offset, locate(starts[at]!).offset), dim(4))!,
      })),
    })),
  )
  const turns = bindings[emitted.slots.length]
  return {
    emitted: made,
    bindings: made.bindings.map(({ target }): Bound => {
      if (target.kind === 'turn') return turns!
      if (target.kind !== 'group') throw new Error(`${made.name}: a ${target.kind} that no group has`)
      const members = groups[target.group]!
      const value = starts[target.group]!
      return { value, access: accessOf(members), end: endOf(members, locate) }
    }),
  }
}

type Member = { readonly value: MemoryValue; readonly access: Binding['access'] }
const accessOf = (members: readonly Member[]) => (members.some((m) => m.access === 'write') ? 'write' : 'read')

/** Places of one arena are sums of sizes that begin alike, so that one is never both before and after another. */
function firstOf(members: readonly Member[], locate: Locate): MemoryValue {
  const first = members.find(({ value }) =>
    members.every((other) => atMost(locate(value).offset, locate(other.value).offset)),
  )
  if (!first) throw new Error('places of one arena that cannot be compared')
  return first.value
}

/** Where the last value ends. */
function endOf(members: readonly Member[], locate: Locate): Dim {
  const ends = members.map(({ value }) => add(locate(value).offset, roundUp(value.bytes, 16)))
  const last = members.findIndex(({ value }) =>
    members.every((other) => atMost(locate(other.value).offset, locate(value).offset)),
  )
  return ends[last]!
}
