/** Every builtin function by name. */
import { arrangeRows } from './arrange.ts'
import type { Builtin } from './builtin.ts'
import { lookupRows } from './lookup.ts'
import { mathRows } from './math.ts'
import { initialRows, randomRows } from './random.ts'
import { reduceRows } from './reduce.ts'
import { staticRows } from './statics.ts'
import { windowRows } from './windows.ts'

export const builtinGroups: readonly { readonly title: string; readonly rows: readonly Builtin[] }[] = [
  { title: 'Elementwise', rows: mathRows },
  { title: 'Reductions', rows: reduceRows },
  { title: 'Shapes and parts', rows: arrangeRows },
  { title: 'New tensors and lookups', rows: lookupRows },
  { title: 'Products and windows', rows: windowRows },
  { title: 'Randomness', rows: randomRows },
  { title: 'First values', rows: initialRows },
  { title: 'While compiling', rows: staticRows },
]

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  builtinGroups.flatMap((g) => g.rows.map((row) => [row.name, row])),
)

export type { Builtin } from './builtin.ts'
