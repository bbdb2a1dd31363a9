/** The kernel of a dense layer: x [rows, depth] · wᵀ, w as [columns, depth] or, as the gradient of x has it, [depth, columns]. */
import type { ContractKernel } from '../compiler/ir/kernel.ts'
import { acc, axis, base, flat, load, read, tensor, write } from '../test/wgsl/build.ts'

export function denseLayer(rows: number, columns: number, depth: number, alongDepth: boolean): ContractKernel {
  const out = tensor([rows, columns])
  const w = tensor(alongDepth ? [columns, depth] : [depth, columns])
  const slots = [read(tensor([rows, depth])), read(w), write(out)]
  const [i, j, k] = [axis('i', rows), axis('j', columns), axis('k', depth)] as const
  return {
    ...base(slots),
    kind: 'contract',
    batch: [],
    rows: [i],
    columns: [j],
    depth: [k],
    split: undefined,
    left: load(slots, 0, [i, k]),
    right: load(slots, 1, alongDepth ? [j, k] : [k, j]),
    stores: [{ slot: 2, index: flat(out.shape, [i, j]), value: acc }],
  }
}
