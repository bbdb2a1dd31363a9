/** The stores at the end of a kernel: every value is computed before the first is written, so an update in place reads what was there. */
import type { Store } from '../../ir/kernel.ts'
import type { Context } from './context.ts'
import { printIndex, withoutParentheses } from './print-index.ts'
import { printNamed, stored } from './print-scalar.ts'
import type { Shader } from './shader.ts'

export function countStores(shader: Shader, stores: readonly Store[]): void {
  for (const { index, value } of stores) {
    shader.identities.count(index)
    shader.identities.count(value)
  }
}

export function writeStores(context: Context, stores: readonly Store[]): void {
  const writes = stores.map(({ slot, index, value }) => {
    const text = printNamed(context, value)
    const element = context.shader.element(slot, withoutParentheses(printIndex(context, index)))
    return `${element} = ${stored(context, slot, value.dtype, text)};`
  })
  for (const write of writes) context.block.line(write)
}
