/** Samples of contraction: products in several layouts, convolutions and what their gradients look like. */
import { dim } from '../ir/dim.ts'
import type { Access, ContractAttributes } from './contract.ts'
import type { Sample } from './op.ts'

const read = (...terms: readonly [axis: string, stride: number][]): Access => ({
  terms: terms.map(([axis, stride]) => ({ axis, stride })),
  offset: 0,
  divisor: 1,
})
const plain = (names: string): Access[] => [...names].map((name) => read([name, 1]))
const axes = (sizes: Readonly<Record<string, number>>) =>
  Object.entries(sizes).map(([name, size]) => ({ name, size: dim(size) }))

function product(
  left: string,
  right: string,
  output: string,
  sizes: Readonly<Record<string, number>>,
): ContractAttributes {
  return { axes: axes(sizes), left: plain(left), right: plain(right), output: [...output] }
}
function sample(
  left: readonly number[],
  right: readonly number[],
  attributes: ContractAttributes,
  note: string,
): Sample<ContractAttributes> {
  return { operands: [{ shape: left }, { shape: right }], attributes, note }
}

export const contractSamples: readonly Sample<ContractAttributes>[] = [
  sample([3, 5], [5, 7], product('mk', 'kn', 'mn', { m: 3, k: 5, n: 7 }), 'a matrix product'),
  sample([1, 1], [1, 1], product('mk', 'kn', 'mn', { m: 1, k: 1, n: 1 }), 'one element'),
  sample([5, 3], [7, 5], product('km', 'nk', 'mn', { m: 3, k: 5, n: 7 }), 'both operands transposed'),
  sample([2, 3, 5], [2, 5, 4], product('bmk', 'bkn', 'bmn', { b: 2, m: 3, k: 5, n: 4 }), 'a batched product'),
  sample([17], [17], product('k', 'k', '', { k: 17 }), 'a dot product'),
  sample([3], [5], product('m', 'n', 'nm', { m: 3, n: 5 }), 'an outer product, transposed'),
  sample([3, 4], [5], product('mk', 'n', 'mn', { m: 3, k: 4, n: 5 }), 'an axis summed in one operand alone'),
  sample([3, 0], [0, 4], product('mk', 'kn', 'mn', { m: 3, k: 0, n: 4 }), 'an empty sum'),
  sample([0, 3], [3, 4], product('mk', 'kn', 'mn', { m: 0, k: 3, n: 4 }), 'no row'),
  sample([33, 37], [37, 18], product('mk', 'kn', 'mn', { m: 33, k: 37, n: 18 }), 'no multiple of a tile'),
  sample(
    [2, 3, 7],
    [4, 3, 3],
    {
      axes: axes({ n: 2, c: 3, o: 4, h: 4, k: 3 }),
      left: [
        ...plain('nc'),
        {
          terms: [
            { axis: 'h', stride: 2 },
            { axis: 'k', stride: 1 },
          ],
          offset: -1,
          divisor: 1,
        },
      ],
      right: plain('ock'),
      output: ['n', 'o', 'h'],
    },
    'a strided, padded convolution',
  ),
  sample(
    [1, 2, 5, 5],
    [3, 2, 2, 3],
    {
      axes: axes({ n: 1, c: 2, o: 3, y: 4, x: 5, u: 2, v: 3 }),
      left: [
        ...plain('nc'),
        read(['y', 1], ['u', 1]),
        {
          terms: [
            { axis: 'x', stride: 1 },
            { axis: 'v', stride: 2 },
          ],
          offset: -2,
          divisor: 1,
        },
      ],
      right: plain('ocuv'),
      output: ['n', 'o', 'y', 'x'],
    },
    'a two-dimensional convolution, dilated along one axis',
  ),
  sample(
    [2, 4, 4],
    [4, 3, 3],
    {
      axes: axes({ n: 2, c: 3, o: 4, h: 7, k: 3 }),
      left: [
        ...plain('no'),
        {
          terms: [
            { axis: 'h', stride: 1 },
            { axis: 'k', stride: -1 },
          ],
          offset: 1,
          divisor: 2,
        },
      ],
      right: plain('ock'),
      output: ['n', 'c', 'h'],
    },
    'the data gradient of a strided convolution',
  ),
]
