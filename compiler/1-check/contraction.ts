/** Products: `@`, `einsum` and convolution, checked with the operands' places in hand and handed on as `contract`. */
import type { Span } from '../../grammar/source.ts'
import * as shapes from '../diagnostics/shapes.ts'
import { add, type Dim, dim, floorQuotient, one, scale, subtract } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { Access } from '../ops/contract.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { build, cast, emit, type Placed, reshape } from './emit.ts'
import { dimSource } from './provenance.ts'
import { dimText, typeText } from './value.ts'

const floats = (e: Elaboration, operands: readonly Placed[]): Placed[] =>
  operands.map((o) =>
    o.node.dtype === 'bool'
      ? fail(e, shapes.operandDtype, {
          span: o.span,
          operation: 'multiplied',
          given: typeText(o.node),
          needed: 'numbers',
          convert: 'float(…)',
        })
      : { span: o.span, node: cast(e, o.node, 'float') },
  )

/** `a @ b` by numpy's rules. */
export function matrixProduct(e: Elaboration, span: Span, left: Placed, right: Placed): Node {
  for (const side of [left, right])
    if (side.node.shape.length === 0) fail(e, shapes.scalarProduct, { span: side.span, given: typeText(side.node) })
  const i = left.node.shape.length - 1
  const j = Math.max(0, right.node.shape.length - 2)
  const x = left.node.shape[i]!
  const y = right.node.shape[j]!
  if (x !== y)
    fail(e, shapes.productDiffers, {
      span,
      left: { span: left.span, type: typeText(left.node), dim: dimText(x), source: dimSource(e, left.node, i) },
      right: { span: right.span, type: typeText(right.node), dim: dimText(y), source: dimSource(e, right.node, j) },
    })
  if (left.node.shape.length > 2 && right.node.shape.length > 2) requireBatches(e, span, left, right)
  const [a, b] = floats(e, [left, right])
  return build(e, [left.node, right.node], (builder) => builder.matmul(a!.node, b!.node))
}

function requireBatches(e: Elaboration, span: Span, left: Placed, right: Placed): void {
  const a = left.node.shape.slice(0, -2)
  const b = right.node.shape.slice(0, -2)
  for (let back = 1; back <= Math.min(a.length, b.length); back++) {
    const x = a[a.length - back]!
    const y = b[b.length - back]!
    if (x === y || x === one || y === one) continue
    fail(e, shapes.shapesDiffer, {
      operation: 'multiplied as matrices',
      span,
      left: { span: left.span, type: typeText(left.node) },
      right: { span: right.span, type: typeText(right.node) },
      axis: `batch axis ${back + 2} from the end`,
      dims: [
        { text: dimText(x), source: dimSource(e, left.node, a.length - back) },
        { text: dimText(y), source: dimSource(e, right.node, b.length - back) },
      ],
    })
  }
}

// ---------------------------------------------------------------- einsum

const access = (axis: string): Access => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })

/** `einsum("b t d, d e -> b t e", a, b)`: one or more operands, multiplied from left to right. */
export function einsum(e: Elaboration, pattern: string, patternSpan: Span, operands: readonly Placed[]): Node {
  const bad = (reason: string): never => fail(e, shapes.badPattern, { span: patternSpan, pattern, reason })
  const [inputs, output, ...more] = pattern.split('->')
  if (output === undefined || more.length > 0) return bad('it needs one `->`')
  const terms = inputs!.split(',').map((side) =>
    side
      .trim()
      .split(/\s+/)
      .filter((name) => name !== ''),
  )
  const result = output
    .trim()
    .split(/\s+/)
    .filter((name) => name !== '')
  if (terms.length !== operands.length) return bad(`it names ${terms.length} operands and ${operands.length} are given`)
  const sizes = new Map<string, { size: Dim; operand: Placed; axis: number }>()
  for (const [k, names] of terms.entries()) {
    const operand = operands[k]!
    if (names.length !== operand.node.shape.length)
      return bad(`operand ${k + 1} is ${typeText(operand.node)}, and the pattern names ${names.length} axes for it`)
    if (new Set(names).size !== names.length) return bad(`operand ${k + 1} names an axis twice`)
    for (const [axis, name] of names.entries()) {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return bad(`\`${name}\` is no axis name`)
      const size = operand.node.shape[axis]!
      const known = sizes.get(name)
      if (!known) sizes.set(name, { size, operand, axis })
      else if (known.size !== size)
        return fail(e, shapes.shapesDiffer, {
          operation: 'multiplied by this pattern',
          span: patternSpan,
          left: { span: known.operand.span, type: typeText(known.operand.node) },
          right: { span: operand.span, type: typeText(operand.node) },
          axis: `axis \`${name}\``,
          dims: [
            { text: dimText(known.size), source: dimSource(e, known.operand.node, known.axis) },
            { text: dimText(size), source: dimSource(e, operand.node, axis) },
          ],
        })
    }
  }
  if (new Set(result).size !== result.length) return bad('the result names an axis twice')
  for (const name of result) if (!sizes.has(name)) return bad(`the result's axis \`${name}\` is in no operand`)

  const values = floats(e, operands)
  let current = { node: values[0]!.node, names: terms[0]! }
  for (let k = 1; k < values.length; k++) {
    const later = new Set([...result, ...terms.slice(k + 1).flat()])
    const names = [...new Set([...current.names, ...terms[k]!])]
    const kept = k === values.length - 1 ? result : names.filter((name) => later.has(name))
    const left = current
    current = {
      node: emit(e, 'contract', [left.node, values[k]!.node], {
        axes: names.map((name) => ({ name, size: sizes.get(name)!.size })),
        left: left.names.map(access),
        right: terms[k]!.map(access),
        output: kept.filter((name) => names.includes(name)),
      }),
      names: kept.filter((name) => names.includes(name)),
    }
  }
  const summed = current.names.flatMap((name, axis) => (result.includes(name) ? [] : [axis]))
  const node = build(e, [current.node], (b) => b.sum(current.node, summed))
  const left = current.names.filter((name) => result.includes(name))
  return build(e, [node], (b) =>
    b.permute(
      node,
      result.map((name) => left.indexOf(name)),
    ),
  )
}

// ---------------------------------------------------------------- convolution

export interface Spatial {
  readonly stride: number
  readonly dilation: number
  readonly low: number
  readonly high: number
}

/**
 * Cross-correlation of `x: [..., C, spatial…]` with `w: [O, C / groups, kernel…]`: `contract` reads x at
 * `o·stride + k·dilation − low`, and counts what lies outside as 0, so padding is never stored.
 */
export function convolve(
  e: Elaboration,
  span: Span,
  x: Placed,
  w: Placed,
  spatial: readonly Spatial[],
  groups: number,
): Node {
  const rank = spatial.length
  const lead = x.node.shape.slice(0, x.node.shape.length - rank - 1)
  const channels = x.node.shape[lead.length]!
  const [outputs, inputs] = [w.node.shape[0]!, w.node.shape[1]!]
  const bad = (reason: string): never =>
    fail(e, shapes.badConvolution, {
      span,
      reason,
      input: { span: x.span, type: typeText(x.node) },
      filter: { span: w.span, type: typeText(w.node) },
    })
  if (channels !== scale(inputs, groups))
    bad(
      groups === 1
        ? `the input has ${dimText(channels)} channels and the filter reads ${dimText(inputs)}`
        : `the input has ${dimText(channels)} channels, and ${groups} groups of the filter's ${dimText(inputs)} make ${dimText(scale(inputs, groups))}`,
    )
  const perGroup =
    outputs.constant !== undefined && outputs.constant % groups === 0 ? outputs.constant / groups : undefined
  if (groups > 1 && perGroup === undefined)
    bad(`${dimText(outputs)} output channels do not divide into ${groups} groups`)

  const sizes = spatial.map(({ stride, dilation, low, high }, i) => {
    const size = x.node.shape[lead.length + 1 + i]!
    const kernel = w.node.shape[2 + i]!
    const covered = dim(dilation * ((kernel.constant ?? bad('the size of the kernel must be a number')) - 1) + 1)
    const free = subtract(add(size, dim(low + high)), covered)
    const out = add(floorQuotient(free, dim(stride)), one)
    if (out.constant !== undefined && out.constant < 1)
      bad(
        `a window of ${dimText(covered)} does not fit into ${dimText(size)}${low + high > 0 ? ` padded by ${low} and ${high}` : ''}`,
      )
    return { out, kernel, stride, dilation, low }
  })
  const batches = lead.map((_, i) => `b${i}`)
  const group = groups > 1 ? ['g'] : []
  const axes = [
    ...lead.map((size, i) => ({ name: batches[i]!, size })),
    ...(groups > 1 ? [{ name: 'g', size: dim(groups) }] : []),
    { name: 'o', size: groups > 1 ? dim(perGroup!) : outputs },
    { name: 'c', size: inputs },
    ...sizes.map(({ out }, i) => ({ name: `y${i}`, size: out })),
    ...sizes.map(({ kernel }, i) => ({ name: `k${i}`, size: kernel })),
  ]
  const [data, filter] = floats(e, [x, w])
  const split = (node: Node, before: number, first: Dim): Node =>
    groups === 1
      ? node
      : reshape(e, node, [...node.shape.slice(0, before), dim(groups), first, ...node.shape.slice(before + 1)])
  const left = split(data!.node, lead.length, inputs)
  const right = split(filter!.node, 0, groups > 1 ? dim(perGroup!) : outputs)
  const product = emit(e, 'contract', [left, right], {
    axes,
    left: [
      ...[...batches, ...group, 'c'].map(access),
      ...sizes.map(
        ({ stride, dilation, low }, i): Access => ({
          terms: [
            { axis: `y${i}`, stride },
            { axis: `k${i}`, stride: dilation },
          ],
          offset: -low,
          divisor: 1,
        }),
      ),
    ],
    right: [...group, 'o', 'c', ...sizes.map((_, i) => `k${i}`)].map(access),
    output: [...batches, ...group, 'o', ...sizes.map((_, i) => `y${i}`)],
  })
  return groups === 1 ? product : reshape(e, product, [...lead, outputs, ...sizes.map((s) => s.out)])
}
