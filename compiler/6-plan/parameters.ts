/** Where parameters and the moments of optimizers lie: each in one arena, groups of parameters side by side. */
import type { LoweredProgram } from '../lowered.ts'
import { alignment } from './sizes.ts'

export interface ParameterLayout {
  readonly offsets: ReadonlyMap<string, number>
  readonly groups: ReadonlyMap<number, { readonly offset: number; readonly elements: number }>
  readonly bytes: number
  readonly trainableElements: number
}

const aligned = (bytes: number, to = alignment) => Math.ceil(bytes / to) * to

/** Groups first, each a contiguous run, frozen parameters last: the optimizer's arenas then need no holes for them. */
export function layOutParameters(program: LoweredProgram, parameterAlignment: number): ParameterLayout {
  const byPath = new Map(program.parameters.map((p) => [p.path, p]))
  const offsets = new Map<string, number>()
  const groups = new Map<number, { offset: number; elements: number }>()
  let end = 0
  const put = (path: string) => {
    const { shape, part } = byPath.get(path)!
    // The layers of a stack lie without gaps: together they are one tensor.
    if (!part || part.index === 0) end = aligned(end, parameterAlignment)
    if (part?.index === 0) offsets.set(part.of, end)
    offsets.set(path, end)
    end += shape.reduce((a, b) => a * b, 4)
  }
  for (const group of program.groups) {
    end = aligned(end, parameterAlignment)
    const offset = end
    group.parameters.forEach(put)
    end = aligned(end, parameterAlignment)
    groups.set(group.index, { offset, elements: group.parameters.length === 0 ? 1 : (end - offset) / 4 })
  }
  const trainableElements = end / 4
  for (const { path } of program.parameters) if (!offsets.has(path)) put(path)
  end = aligned(end, parameterAlignment)
  return { offsets, groups, bytes: end, trainableElements }
}

export const momentKey = (group: number, moment: string) => `${group} ${moment}`

export function layOutMoments(program: LoweredProgram, groups: ParameterLayout['groups']) {
  const offsets = new Map<string, number>()
  const records: { name: string; offset: number; elements: number; initial: number }[] = []
  let bytes = 0
  for (const group of program.groups)
    for (const moment of group.moments) {
      const elements = groups.get(group.index)!.elements
      offsets.set(momentKey(group.index, moment.name), bytes)
      records.push({ name: `moment.${moment.name}.${group.index}`, offset: bytes, elements, initial: moment.initial })
      bytes += aligned(elements * 4)
    }
  return { offsets, records, bytes }
}
