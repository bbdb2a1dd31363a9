/**
 * An expression a few indices further along some axes: `x[4·j + i]` one further along i is `x[4·j + i + 1]`. Where a lane
 * takes several neighbouring indices, each is the same expression shifted, with the shift folded into the index algebra, so
 * that two expressions which touch the same element are seen to be equal (the windows of a convolution overlap).
 */
import { dim } from '../../ir/dim.ts'
import { axisIndex, offsetIndex, rewriteIndex } from '../../ir/index.ts'
import type { Axis, Guard, Index, Scalar } from '../../ir/kernel.ts'

export type Shift = ReadonlyMap<Axis, number>

export function shiftScalar(root: Scalar, shift: Shift): Scalar {
  return [...shift.values()].every((by) => by === 0) ? root : shifter(shift).scalar(root)
}

export function shiftIndex(root: Index, shift: Shift): Index {
  return [...shift.values()].every((by) => by === 0) ? root : shifter(shift).index(root)
}

function shifter(shift: Shift): { scalar: (root: Scalar) => Scalar; index: (root: Index) => Index } {
  const done = new Map<Scalar, Scalar>()
  const moved = (axis: Axis): Index | undefined => {
    const by = shift.get(axis)
    return by === undefined ? undefined : offsetIndex(axisIndex(axis), dim(by))
  }
  const index = (root: Index): Index => rewriteIndex(root, moved, scalar)
  const guard = (g: Guard): Guard => ({ ...g, index: index(g.index) })
  const scalar = (root: Scalar): Scalar => {
    const known = done.get(root)
    if (known) return known
    const made = rebuilt(root)
    done.set(root, made)
    return made
  }
  const rebuilt = (root: Scalar): Scalar => {
    switch (root.kind) {
      case 'number':
      case 'stage':
      case 'accumulator':
        return root
      case 'load':
      case 'position':
        return { ...root, index: index(root.index) }
      case 'apply':
        return { ...root, arguments: root.arguments.map(scalar) }
      case 'guarded':
        return {
          ...root,
          guards: root.guards.map(guard),
          value: scalar(root.value),
          otherwise: scalar(root.otherwise),
        }
      case 'reduce':
        return { ...root, value: scalar(root.value) }
      default:
        return root satisfies never
    }
  }
  return { scalar, index }
}
