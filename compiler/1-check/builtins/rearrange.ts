/** `"b t (h d) -> b h t d"`: an axis splits into a group, a group merges into an axis, names are put in order. */
import * as shapes from '../../diagnostics/shapes.ts'
import { type Dim, exactQuotient, multiply, one, product } from '../../ir/dim.ts'
import type { Node } from '../../ir/graph.ts'
import { fail } from '../elaboration.ts'
import { build } from '../emit.ts'
import { asDim, dimText, typeText } from '../value.ts'
import type { BuiltinCall } from './builtin.ts'

/** One place of a side: a name, a group of names, `1`, or `...` (here: the names given to the axes it stands for). */
type Group = readonly string[]

export function rearrange(call: BuiltinCall): Node {
  const x = call.tensor('x')
  const pattern = call.text('pattern')
  const bad = (reason: string): never => fail(call.e, shapes.badPattern, { span: call.at('pattern'), pattern, reason })
  const sides = pattern.split('->')
  if (sides.length !== 2) return bad('it needs one `->`')
  const written = sides.map((side) => groupsOf(side, bad))
  const [from, to] = spread(written[0]!, written[1]!, x.shape.length, bad)
  if (from.length !== x.shape.length)
    return bad(`its left side has ${from.length} axes, and the tensor is ${typeText(x)}`)

  const sizes = new Map<string, Dim>()
  for (const { name, value, span } of call.more) {
    const size = asDim(value)
    if (!name || !size) return fail(call.e, shapes.notADim, { span, given: 'this size' })
    if (!from.flat().includes(name.name)) return bad(`it has no axis \`${name.name}\` on its left side`)
    sizes.set(name.name, size)
  }
  for (const [axis, group] of from.entries())
    solve(group, x.shape[axis]!, sizes, (reason) => bad(`${reason} (axis ${axis} of ${typeText(x)})`))
  const [left, right] = [from.flat(), to.flat()]
  for (const side of [left, right])
    if (new Set(side).size !== side.length) return bad('a name stands twice on one side')
  for (const name of right) if (!left.includes(name)) return bad(`\`${name}\` stands only on its right side`)
  for (const name of left)
    if (!right.includes(name) && sizes.get(name) !== one)
      return bad(`\`${name}\` stands only on its left side; \`sum\` or \`mean\` remove an axis`)

  const kept = left.filter((name) => right.includes(name))
  return build(call.e, [x], (b) => {
    const split = b.reshape(
      x,
      kept.map((name) => sizes.get(name)!),
    )
    const ordered = b.permute(
      split,
      right.map((name) => kept.indexOf(name)),
    )
    return b.reshape(
      ordered,
      to.map((group) => product(group.map((name) => sizes.get(name)!))),
    )
  })
}

function groupsOf(side: string, bad: (reason: string) => never): (Group | '...')[] {
  const groups: (Group | '...')[] = []
  let open: string[] | undefined
  for (const token of side.match(/\.\.\.|[()]|[^\s()]+/g) ?? []) {
    if (token === '(') {
      if (open) bad('a group stands inside a group')
      open = []
    } else if (token === ')') {
      groups.push(open ?? bad('a `)` closes nothing'))
      open = undefined
    } else if (token === '...') {
      if (open) bad('`...` stands inside a group')
      groups.push('...')
    } else if (token === '1') {
      if (!open) groups.push([])
    } else if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(token)) {
      if (open) open.push(token)
      else groups.push([token])
    } else bad(`\`${token}\` is no axis name`)
  }
  if (open) bad('a `(` is not closed')
  return groups
}

/** Gives the axes behind `...` names that no pattern can write. */
function spread(
  from: (Group | '...')[],
  to: (Group | '...')[],
  rank: number,
  bad: (reason: string) => never,
): [Group[], Group[]] {
  const rests = from.filter((g) => g === '...').length
  if (rests > 1 || to.filter((g) => g === '...').length !== rests) return bad('`...` must stand once on both sides')
  const count = Math.max(0, rank - (from.length - rests))
  const names = Array.from({ length: count }, (_, i): Group => [`...${i}`])
  const fill = (side: (Group | '...')[]) => side.flatMap((g) => (g === '...' ? names : [g]))
  return [fill(from), fill(to)]
}

/** Finds the one size of a group that is not known yet. */
function solve(group: Group, size: Dim, sizes: Map<string, Dim>, bad: (reason: string) => never): void {
  const unknown = group.filter((name) => !sizes.has(name))
  const known = multiply(...group.filter((name) => sizes.has(name)).map((name) => sizes.get(name)!))
  if (unknown.length > 1)
    bad(`the sizes of \`${unknown.join('`, `')}\` are not known; give all but one: \`${unknown[0]}: 8\``)
  else if (unknown.length === 0) {
    if (known !== size) bad(`\`${group.join(' ') || '1'}\` makes ${dimText(known)}, and the axis is ${dimText(size)}`)
  } else {
    const quotient = exactQuotient(size, known)
    if (!quotient) bad(`${dimText(known)} does not divide ${dimText(size)}`)
    else sizes.set(unknown[0]!, quotient)
  }
}
