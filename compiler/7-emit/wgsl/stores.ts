/** The stores at the end of a kernel: every value is computed before the first is written, so an update in place reads what was there. */
import type { Axis, Store } from '../../ir/kernel.ts'
import { bind, type Context } from './context.ts'
import { accumulator } from './identity.ts'
import { printIndex, withoutParentheses } from './print-index.ts'
import { printNamed, stored } from './print-scalar.ts'
import type { Shader } from './shader.ts'
import { shiftIndex, shiftScalar } from './shift.ts'
import { components, quarter } from './vector.ts'

export function countStores(shader: Shader, stores: readonly Store[]): void {
  for (const { index, value } of stores) {
    shader.identities.count(index)
    shader.identities.count(value)
  }
}

export function writeStores(context: Context, stores: readonly Store[]): void {
  const writes = stores.map(({ slot, index, value }) => {
    const text = printNamed(context, value)
    return `${place(context, slot, index)} = ${stored(context, slot, value.dtype, text)};`
  })
  for (const write of writes) context.block.line(write)
}

const place = (context: Context, slot: number, index: Store['index']): string =>
  context.shader.element(slot, withoutParentheses(printIndex(context, index)))

/** The stores at four neighbouring indices of an axis; `sum` names a vector of accumulators where there are any. */
export function fourStores(stores: readonly Store[], axis: Axis): FourStores {
  return {
    stores,
    shifted: components.map((_, by) =>
      stores.map(({ slot, index, value }) => {
        const shift = new Map([[axis, by]])
        return { slot, index: shiftIndex(index, shift), value: shiftScalar(value, shift) }
      }),
    ),
  }
}

export interface FourStores {
  readonly stores: readonly Store[]
  /** By component. */
  readonly shifted: readonly (readonly Store[])[]
}

export const countFourStores = (shader: Shader, { shifted }: FourStores): void => {
  for (const stores of shifted) countStores(shader, stores)
}

export function writeFourStores(context: Context, { stores, shifted }: FourStores, sum: string | undefined): void {
  const { shader, block } = context
  const contexts = components.map((c) => (sum === undefined ? context : bind(context, [[accumulator, `${sum}.${c}`]])))
  const writes = stores.flatMap(({ slot, value: { dtype } }, at) => {
    const values = contexts.map((inner, c) => stored(inner, slot, dtype, printNamed(inner, shifted[c]![at]!.value)))
    if (!shader.vectors.slots.has(slot))
      return values.map((value, c) => `${place(context, slot, shifted[c]![at]!.index)} = ${value};`)
    const base = quarter(shifted[0]![at]!.index, shader.vectors.aligned)!.base
    const index = withoutParentheses(printIndex(context, base))
    return [`${shader.slot(slot)}[(${index}) / 4u] = vec4<${shader.storages[slot]}>(${values.join(', ')});`]
  })
  for (const write of writes) block.line(write)
}
