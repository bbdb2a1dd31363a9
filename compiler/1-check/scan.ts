/**
 * `scan x_t in x along T carry h = zeros { … }` → one scan of the graph. The body runs once, over stand-ins for an element
 * of each input and for each carry; what it reads of the values around it becomes a capture, so parameters and layers
 * made inside belong to the module as anywhere else. Afterwards a carry's name is its last value, and yields are names.
 */
import type { NextStatement, ScanStatement, Statement, YieldStatement } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import * as scans from '../diagnostics/scan.ts'
import type { Dim } from '../ir/dim.ts'
import type { Node } from '../ir/graph.ts'
import type { ScanAttributes } from '../ops/scan.ts'
import type { CarryPort } from '../program.ts'
import { firstValue } from './carry.ts'
import { toTensor } from './coerce.ts'
import { type Elaboration, fail, fault, inFrame } from './elaboration.ts'
import { build, cast, permute, sameShape } from './emit.ts'
import { condition, evaluate, live } from './expression.ts'
import { childPath } from './instance.ts'
import { dimSource, setDimSources } from './provenance.ts'
import { locate, type Scanned } from './scan-inputs.ts'
import { Scope } from './scope.ts'
import { run } from './statement.ts'
import { none, poison, tensor, typeText } from './value.ts'

/** A scan whose body is being run. */
export interface OpenScan {
  readonly span: Span
  readonly length: Dim
  /** Of a scan over the layers of a stack: what stands for all of them. */
  readonly layers?: { readonly path: string; readonly count: number }
  readonly elements: { readonly leaf: Node; readonly stack: Node }[]
  readonly carries: ReadonlyMap<string, Carry>
  /** Without a node where the value was at fault. */
  readonly yields: Map<string, { readonly node: Node | undefined; readonly span: Span }>
}
interface Carry {
  readonly leaf: Node
  readonly initial: Node
  readonly span: Span
  stated: boolean
  next: Node | undefined
}

export function runScan(e: Elaboration, statement: ScanStatement, scope: Scope): void {
  const { length, inputs, absent } = locate(e, statement, scope)
  const reverse = statement.reverse ? condition(e, statement.reverse, scope) : false
  const inner = new Scope(scope)
  const scan: OpenScan = {
    span: statement.along.span,
    length,
    elements: [],
    carries: carriesOf(e, statement, scope, inner),
    yields: new Map(),
  }
  for (const input of inputs) inner.bind(input.name.name, tensor(element(e, scan, input)), input.name.span)

  for (const { name, span } of absent) inner.bind(name, none, span)

  const firstExposed = e.exposed.length
  const firstCarry = e.carries.length
  e.scans.push(scan)
  const { frame } = e
  try {
    inFrame(e, { ...frame, kind: 'scan', around: frame.kind === 'scan' ? frame.around : frame.kind }, () =>
      run(e, statement.body.statements, inner),
    )
  } finally {
    e.scans.pop()
  }
  const exposed = e.exposed.splice(firstExposed)
  for (const [name, carry] of scan.carries) if (!carry.stated) fault(e, scans.carryConstant, { span: carry.span, name })
  if ([...scan.carries.values()].some((c) => c.stated && !c.next) || [...scan.yields.values()].some((y) => !y.node)) {
    poisonResults(statement, scope)
    return
  }

  const yielded = [...scan.yields.values()].map((y) => y.node!)
  const inside = e.carries.splice(firstCarry)
  const results = close(e, scan, reverse, [...yielded, ...exposed.map((x) => x.node)])
  const stacked = results.slice(scan.carries.size).map((node) => placed(e, node, inputs[0]))
  for (const [i, [name, { span }]] of [...scan.carries].entries()) scope.bind(name, tensor(results[i]!), span)
  for (const [i, [name, { span }]] of [...scan.yields].entries()) scope.bind(name, tensor(stacked[i]!), span)
  for (const [i, x] of exposed.entries()) e.exposed.push({ ...x, node: stacked[yielded.length + i]! })
  noteCarries(e, scan, results, inside)
}

function carriesOf(e: Elaboration, statement: ScanStatement, scope: Scope, inner: Scope): ReadonlyMap<string, Carry> {
  const carries = new Map<string, Carry>()
  const starts = statement.carries.map((carry) => ({ carry, initial: firstValue(e, carry, scope) }))
  for (const { carry, initial } of starts) {
    const { name, span } = carry.name
    const first = carries.get(name)
    if (first) fail(e, names.declaredTwice, { span, name, what: 'carry', first: first.span })
    const leaf = bound(e, initial, initial.shape)
    setDimSources(
      e,
      leaf,
      initial.shape.map((_, axis) => dimSource(e, initial, axis)),
    )
    carries.set(name, { leaf, initial, span: carry.type?.span ?? span, stated: false, next: undefined })
    inner.bind(name, tensor(leaf), span)
  }
  return carries
}

/** The scan's float carries as what gradients can be asked for, and those of scans inside it, now with an axis more. */
function noteCarries(
  e: Elaboration,
  { length, carries }: OpenScan,
  results: readonly Node[],
  inside: readonly CarryPort[],
) {
  const made = results[0]?.operands[0]
  if (!made) return
  const { family } = (made.attributes as ScanAttributes).body
  const note = (port: CarryPort) => {
    let { name } = port
    for (let k = 2; e.carries.some((known) => known.name === name); k++) name = `${port.name}_${k}`
    e.carries.push({ ...port, name })
  }
  for (const [i, [written, { span, leaf }]] of [...carries].entries())
    if (leaf.dtype === 'float') {
      const name = childPath(e.frame.owner.path, written + e.frame.turns)
      note({ name, target: { family, carry: i, shape: [length, ...leaf.shape] }, layers: [], depth: 1, span })
    }
  for (const port of inside)
    note({ ...port, target: { ...port.target, shape: [length, ...port.target.shape] }, depth: port.depth + 1 })
}

const bound = (e: Elaboration, like: Node, shape: readonly Dim[]): Node =>
  build(e, [], (b) => b.bound(shape, like.dtype))

/** The stand-in for a step's part of a tensor; stacks have the scanned axis first. */
function element(e: Elaboration, scan: OpenScan, { node, axis }: Scanned): Node {
  const rest = node.shape.map((_, i) => i).filter((i) => i !== axis)
  const stack = axis === 0 ? node : permute(e, node, [axis, ...rest])
  const leaf = bound(
    e,
    node,
    rest.map((i) => node.shape[i]!),
  )
  setDimSources(
    e,
    leaf,
    rest.map((i) => dimSource(e, node, i)),
  )
  scan.elements.push({ leaf, stack })
  return leaf
}

/** A value that is made for all steps at once, outside every open recurrence, as a step meets it. */
export function eachStep(e: Elaboration, shape: readonly Dim[], make: (shape: readonly Dim[]) => Node): Node {
  const scans = e.scans.filter(({ layers }) => !layers)
  let node = make([...scans.map((s) => s.length), ...shape])
  for (const scan of scans) {
    const leaf = bound(e, node, node.shape.slice(1))
    scan.elements.push({ leaf, stack: node })
    node = leaf
  }
  return node
}

function close(
  e: Elaboration,
  { length, elements, carries, yields: _, ...scan }: OpenScan,
  reverse: boolean,
  yields: readonly Node[],
): readonly Node[] {
  if (carries.size === 0 && yields.length === 0) return []
  let results: readonly Node[] = []
  build(e, [], (b) => {
    const parts = [...carries.values()].map(({ leaf, initial, next = leaf }) => ({ leaf, initial, next }))
    results = b.scan({ length, reverse, elements, carries: parts, yields })
    return results[0]!
  })
  const sources = (node: Node) => node.shape.map((_, axis) => dimSource(e, node, axis))
  for (const [i, { initial }] of [...carries.values()].entries()) setDimSources(e, results[i]!, sources(initial))
  for (const [i, node] of yields.entries())
    setDimSources(e, results[carries.size + i]!, [{ span: scan.span, text: 'the scan' }, ...sources(node)])
  return results
}

/** A stacked value has the scanned axis where the first input has it. */
function placed(e: Elaboration, node: Node, input: Scanned | undefined): Node {
  const axis = Math.min(input?.axis ?? 0, node.shape.length - 1)
  if (axis === 0) return node
  const order = node.shape.map((_, i) => (i < axis ? i + 1 : i === axis ? 0 : i))
  const moved = permute(e, node, order)
  setDimSources(
    e,
    moved,
    order.map((i) => dimSource(e, node, i)),
  )
  return moved
}

/** `next h = …` in the body of a scan. */
export function nextCarry(e: Elaboration, statement: NextStatement, scope: Scope): void {
  const { name, span } = statement.name
  const scan = e.scans.at(-1)!
  const carry = scan.carries.get(name)
  if (!carry) {
    const outer = e.scans.findLast((s) => s.carries.has(name))?.carries.get(name)?.span
    return void fail(e, scans.unknownCarry, { span, name, known: [...scan.carries.keys()], outer })
  }
  carry.stated = true
  carry.next = undefined
  const { leaf } = carry
  const given = toTensor(e, live(evaluate(e, statement.value, scope)), statement.value.span, leaf.dtype)
  const node = leaf.dtype === 'float' && given.dtype === 'int' ? cast(e, given, 'float') : given
  if (node.dtype !== leaf.dtype || !sameShape(node.shape, leaf.shape))
    fail(e, scans.carryDiffers, {
      span: statement.value.span,
      name,
      given: typeText(node),
      declared: typeText(leaf),
      first: carry.span,
    })
  carry.next = node
  scope.bind(name, tensor(node), span)
}

/** `yield all = h` */
export function yieldValue(e: Elaboration, statement: YieldStatement, scope: Scope): void {
  const { name, span } = statement.name
  const scan = e.scans.at(-1)!
  const first = scan.yields.get(name) ?? scan.carries.get(name)
  if (first) fail(e, names.declaredTwice, { span, name, what: 'result of the scan', first: first.span })
  scan.yields.set(name, { node: undefined, span })
  const value = live(evaluate(e, statement.value, scope))
  scan.yields.set(name, { node: toTensor(e, value, statement.value.span), span })
}

/** Names that a faulty scan would have bound are known, and silent. */
export function poisonResults(statement: ScanStatement, scope: Scope): void {
  for (const { name } of [...statement.carries, ...yieldsIn(statement.body.statements)])
    scope.bind(name.name, poison, name.span)
}

export function yieldsIn(statements: readonly Statement[]): readonly YieldStatement[] {
  return statements.flatMap((s): readonly YieldStatement[] => {
    if (s.kind === 'yield') return [s]
    if (s.kind === 'for') return yieldsIn(s.body.statements)
    return s.kind === 'if' ? [...yieldsIn(s.then.statements), ...yieldsIn(s.else?.statements ?? [])] : []
  })
}
