/**
 * The gradient of a contraction with respect to one operand is a contraction of the cotangent and the other operand.
 *
 * Each operand axis `i` is read at `i = (Σ strideₐ·a + offset) / divisor`. The gradient's result is indexed by `i`
 * itself, so one of the axes, `e`, is solved for: `e = (divisor·i − Σ_{a≠e} strideₐ·a − offset) / strideₑ`, and put into
 * the other accesses. Where that is no integer or out of range the cotangent's own access makes the term 0.
 */
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { GraphBuilder } from './builder.ts'
import type { Access, ContractAttributes } from './contract.ts'

export function contractGradient(
  b: GraphBuilder,
  node: Node,
  g: Node,
  attributes: ContractAttributes,
  side: 'left' | 'right',
): Node {
  const own = attributes[side]
  const operand = node.operands[side === 'left' ? 0 : 1]!
  const partner = node.operands[side === 'left' ? 1 : 0]!
  let partnerAccess = attributes[side === 'left' ? 'right' : 'left']
  let cotangent = g
  let cotangentAccess: readonly Access[] = attributes.output.map(plain)
  const sizes = new Map(attributes.axes.map(({ name, size }) => [name, size]))
  const reads = (accesses: readonly Access[], name: string) =>
    accesses.some(({ terms }) => terms.some(({ axis }) => axis === name))

  const result: string[] = []
  for (const [at, access] of own.entries()) {
    const first = access.terms[0]!
    if (
      access.terms.length === 1 &&
      first.stride === 1 &&
      access.offset === 0 &&
      access.divisor === 1 &&
      sizes.get(first.axis) === operand.shape[at]
    ) {
      result.push(first.axis)
      continue
    }
    const candidates = access.terms.filter(({ axis }) => own.every((other, o) => o === at || !reads([other], axis)))
    const solved = candidates.find(({ axis }) => attributes.output.includes(axis)) ?? candidates[0]!
    if (!attributes.output.includes(solved.axis)) {
      // Nothing bounds the solved axis yet: repeat the cotangent along it, so that its range does.
      const size = sizes.get(solved.axis)!
      cotangent = b.broadcast(
        cotangent,
        [...cotangent.shape, size],
        cotangent.shape.map((_, axis) => axis),
      )
      cotangentAccess = [...cotangentAccess, plain(solved.axis)]
    }
    const fresh = freshName(sizes, at)
    const solution = solve(access, solved, fresh)
    partnerAccess = partnerAccess.map((other) => substitute(other, solved.axis, solution))
    cotangentAccess = cotangentAccess.map((other) => substitute(other, solved.axis, solution))
    sizes.delete(solved.axis)
    sizes.set(fresh, operand.shape[at]!)
    result.push(fresh)
  }

  // An axis that neither factor reads was summed over in the operand alone: every place along it has the same cotangent.
  const isRead = (name: string) => reads(partnerAccess, name) || reads(cotangentAccess, name)
  const kept = result.filter(isRead)
  const axes = [...sizes].filter(([name]) => isRead(name)).map(([name, size]) => ({ name, size }))
  const sum = b.node('contract', side === 'left' ? [cotangent, partner] : [partner, cotangent], {
    axes,
    left: side === 'left' ? cotangentAccess : partnerAccess,
    right: side === 'left' ? partnerAccess : cotangentAccess,
    output: kept,
  })
  return b.broadcast(
    sum,
    operand.shape,
    kept.map((name) => result.indexOf(name)),
  )
}

const plain = (axis: string): Access => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })

function freshName(sizes: ReadonlyMap<string, Dim>, at: number): string {
  for (let suffix = 0; ; suffix++) {
    const name = `i${at}${suffix === 0 ? '' : `_${suffix}`}`
    if (!sizes.has(name)) return name
  }
}

/** `solved` in terms of the operand's own index `fresh`. */
function solve(access: Access, solved: Access['terms'][number], fresh: string): Access {
  const sign = solved.stride < 0 ? -1 : 1
  return {
    terms: [
      { axis: fresh, stride: sign * access.divisor },
      ...access.terms.filter((term) => term !== solved).map(({ axis, stride }) => ({ axis, stride: -sign * stride })),
    ],
    offset: -sign * access.offset,
    divisor: Math.abs(solved.stride),
  }
}

function substitute(access: Access, axis: string, solution: Access): Access {
  const term = access.terms.find((t) => t.axis === axis)
  if (!term) return access
  const strides = new Map<string, number>()
  const count = (name: string, stride: number) => strides.set(name, (strides.get(name) ?? 0) + stride)
  for (const t of access.terms) if (t !== term) count(t.axis, t.stride * solution.divisor)
  for (const t of solution.terms) count(t.axis, t.stride * term.stride)
  const offset = access.offset * solution.divisor + solution.offset * term.stride
  const divisor = access.divisor * solution.divisor
  // A factor common to all of it changes neither the quotient nor where it is whole.
  const common = [offset, ...strides.values()].reduce((a, b) => greatestCommonDivisor(a, b), divisor)
  return {
    terms: [...strides]
      .filter(([, stride]) => stride !== 0)
      .map(([name, stride]) => ({ axis: name, stride: stride / common })),
    // Adding 0 turns -0, which would print and intern apart, into 0.
    offset: offset / common + 0,
    divisor: divisor / common,
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)]
  while (y !== 0) [x, y] = [y, x % y]
  return x
}
