/** `param`, `state` and `next`: the tensors a layer keeps between calls. */
import type { Expression, Identifier, NextStatement, Type, VariableStatement } from '../../grammar/ast.ts'
import type { Initializer } from '../../runtime/abi.ts'
import * as names from '../diagnostics/names.ts'
import * as scans from '../diagnostics/scan.ts'
import * as shapes from '../diagnostics/shapes.ts'
import * as statics from '../diagnostics/static.ts'
import { type Dim, dim, symbolsOf } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import { isLiteral, toTensor } from './coerce.ts'
import { asksTraining, type Elaboration, fail } from './elaboration.ts'
import { broadcastTo, cast, constant, emit, sameShape } from './emit.ts'
import { evaluate, live } from './expression.ts'
import { blame, openDims } from './free-dims.ts'
import { childPath, type State, type Variable } from './instance.ts'
import { setDimSources } from './provenance.ts'
import type { OpenScan } from './scan.ts'
import type { Scope } from './scope.ts'
import { patternDim } from './signature.ts'
import { ownPart, stacksAround, Unfoldable } from './stack.ts'
import { describe, dimText, tensor, typeText, type Value } from './value.ts'

export function declareVariable(e: Elaboration, statement: VariableStatement, scope: Scope): void {
  const { owner } = e.frame
  if (statement.kind === 'state') refuseInScan(e, statement.name)
  const name = statement.name.name + e.frame.turns
  const span = statement.name.span
  const dtype = variableDtype(e, statement)
  const dims = fixedShape(e, statement.type, scope, `${statement.kind} ${name}`)
  const shape = dims.map((d) => d.constant ?? 0)
  const known = (statement.kind === 'param' ? owner.parameters : owner.states).get(name)
  if (known && known.span !== span)
    return void fail(e, names.declaredTwice, { span, name, what: statement.kind, first: known.span })
  if (known) {
    if (!sameShape(known.node.shape, dims))
      fail(e, shapes.sharedParameterDiffers, {
        span: statement.type.span,
        path: known.path,
        first: known.shape,
        second: shape,
        call: e.calls.at(-1)?.span,
      })
    const node = statement.kind === 'state' ? (known as State).current : known.node
    scope.bind(statement.name.name, tensor(node), span)
    return
  }
  const clash = owner.children.get(name) ?? owner.parameters.get(name) ?? owner.states.get(name)
  if (clash) return void fail(e, names.declaredTwice, { span, name, what: statement.kind, first: clash.span })
  redeclare(e, { statement, name, dims, dtype, initial: initializer(e, statement.initial, shape, scope) }, scope)
}

/** A `param` or `state` whose type and first value are known. */
export interface Declared {
  readonly statement: VariableStatement
  /** With the turns of the loops around it. */
  readonly name: string
  readonly dims: readonly Dim[]
  readonly dtype: DType
  readonly initial: Initializer
}

/** Makes the tensor, in the layer of the frame. */
export function redeclare(e: Elaboration, declared: Declared, scope: Scope): void {
  const { owner } = e.frame
  const { statement, name, dims, dtype, initial } = declared
  const { span } = statement.name
  const shape = dims.map((d) => d.constant ?? 0)
  e.declared.push({ ...declared, owner })
  const path = childPath(owner.path, name)
  const around = stacksAround(e, owner.path)
  const before = e.shared.get(path)
  if (before) return void useShared(e, statement, name, before, dims, around, scope)
  const layers = around.map((scan) => scan.layers!.count)
  const stacked = [...layers.map((n) => dim(n)), ...dims]
  const leaf = e.flat
    ? emit(e, 'input', [], { name: path, shape: dims, dtype: 'float', role: 'moment' })
    : e.test !== undefined
      ? testValue(e, initial, shape, dtype, statement)
      : statement.kind === 'param'
        ? emit(e, 'parameter', [], { path, shape: stacked })
        : emit(e, 'state', [], { path, shape: stacked, dtype })
  setDimSources(e, leaf, [
    ...layers.map(() => undefined),
    ...statement.type.dims!.map((d) => ({ span: d.span, text: `\`${name}\`` })),
  ])
  const node = around.reduce((all, scan) => ownPart(e, scan, all), leaf)
  const variable: Variable = { path, node, leaf, layers, shape, dtype, initial, span }
  if (around.length > 0) e.shared.set(path, variable)
  if (statement.kind === 'param') owner.parameters.set(name, variable)
  else owner.states.set(name, { ...variable, current: node, next: undefined })
  scope.bind(statement.name.name, tensor(node), span)
}

/** In a second call of a stack: the parameters of the first. A state would go on from layer to layer of the first call. */
function useShared(
  e: Elaboration,
  { kind, name, type }: VariableStatement,
  full: string,
  known: Variable,
  dims: readonly Dim[],
  around: readonly OpenScan[],
  scope: Scope,
): void {
  if (kind === 'state' || !sameShape(known.leaf.shape.slice(known.layers.length), dims)) throw unfoldable(around[0]!)
  const node = around.reduce((all, scan) => ownPart(e, scan, all), known.leaf)
  e.frame.owner.parameters.set(full, { ...known, node })
  scope.bind(name.name, tensor(node), type.span)
}

const unfoldable = ({ layers }: OpenScan) => new Unfoldable(layers!.path.replace(/\[0\.\.\d+\]$/, ''))

function variableDtype(e: Elaboration, { kind, type }: VariableStatement): DType {
  const element = type.element.name
  if (type.dims === undefined)
    return fail(e, shapes.variableType, { span: type.span, kind, reason: `it needs a shape: \`${element}[…]\`` })
  if (type.optional) return fail(e, shapes.variableType, { span: type.span, kind, reason: 'it cannot be optional' })
  if (element === 'float' || (kind === 'state' && (element === 'int' || element === 'bool' || element === 'uint')))
    return element
  return fail(e, shapes.variableType, {
    span: type.element.span,
    kind,
    reason: kind === 'param' ? 'parameters are float' : 'states are float, int, uint or bool',
  })
}

function fixedShape(e: Elaboration, type: Type, scope: Scope, what: string): readonly Dim[] {
  return type.dims!.map((pattern) => {
    if (pattern.kind === 'rest')
      return fail(e, shapes.variableType, { span: pattern.span, kind: what, reason: 'its dims must be written out' })
    const size = patternDim(e, pattern.value, scope)
    // The states of an optimizer run along the parameters, however many these are.
    if (size.constant === undefined && e.flat && type.dims!.length === 1 && size === e.flat) return size
    if (size.constant === undefined) {
      blame(e, symbolsOf(size))
      return fail(e, shapes.symbolicParameter, { span: pattern.span, what, dim: dimText(size) })
    }
    if (size.constant < 0) return fail(e, shapes.negativeSize, { span: pattern.span, what, dim: dimText(size) })
    return size
  })
}

function initializer(e: Elaboration, expression: Expression, shape: readonly number[], scope: Scope): Initializer {
  const value = live(evaluate(e, expression, scope))
  if (value.kind === 'initializer') return value.initializer
  if (value.kind === 'builtin' && value.builtin.initializer) return value.builtin.initializer
  if (value.kind === 'number') return { kind: 'constant', value: value.value }
  if (value.kind === 'bool') return { kind: 'constant', value: value.value ? 1 : 0 }
  if (isLiteral(value)) {
    const values = flat(value)
    const sizes = literalShape(value)
    if (sizes.length !== shape.length || sizes.some((n, i) => n !== shape[i]))
      return fail(e, shapes.initialShape, { span: expression.span, given: sizes, wanted: shape })
    return { kind: 'literal', values }
  }
  if (value.kind === 'tensor') {
    blame(e, openDims(value.node))
    return fail(e, statics.notStatic, { span: expression.span, what: 'the first value' })
  }
  return fail(e, statics.badInitial, { span: expression.span, given: describe(value) })
}

function flat(value: Value): number[] {
  if (value.kind === 'list') return value.items.flatMap(flat)
  return [value.kind === 'number' ? value.value : value.kind === 'bool' && value.value ? 1 : 0]
}
function literalShape(value: Value): number[] {
  return value.kind === 'list' ? [value.items.length, ...literalShape(value.items[0] ?? { kind: 'none' })] : []
}

/** Tests run over literals, so a variable there is its first value; a random one would make the test a game of dice. */
function testValue(
  e: Elaboration,
  initial: Initializer,
  shape: readonly number[],
  dtype: DType,
  statement: VariableStatement,
): Node {
  if (initial.kind === 'literal') return emit(e, 'literal', [], { data: initial.values, shape, dtype })
  if (initial.kind === 'constant')
    return broadcastTo(
      e,
      constant(e, initial.value, dtype),
      shape.map((n) => dim(n)),
    )
  return fail(e, statics.randomInTest, { span: statement.initial.span, name: statement.name.name, test: e.test!.span })
}

function refuseInScan(e: Elaboration, { name, span }: Identifier): void {
  const scan = e.scans.findLast(({ layers }) => !layers)
  if (scan)
    fail(e, scans.stateInScan, {
      span,
      name,
      scan: scan.span,
      calls: e.calls
        .map((c) => c.span)
        .filter((s) => !e.isStandard(s))
        .slice(-1),
    })
}

/** `next mean = …`: in training, what the state is after the step, and what the name means from here on. */
export function nextState(e: Elaboration, statement: NextStatement, scope: Scope): void {
  const { name, span } = statement.name
  const state = e.frame.owner.states.get(name + e.frame.turns) ?? e.frame.owner.states.get(name)
  if (!state) return void fail(e, names.unknownState, { span, name, known: [...e.frame.owner.states.keys()] })
  refuseInScan(e, statement.name)
  const value = live(evaluate(e, statement.value, scope))
  const given = toTensor(e, value, statement.value.span, state.dtype)
  const node = state.dtype === 'float' && given.dtype === 'int' ? cast(e, given, 'float') : given
  if (node.dtype !== state.dtype || !sameShape(node.shape, state.node.shape))
    fail(e, shapes.nextDiffers, {
      span: statement.value.span,
      name,
      given: typeText(node),
      declared: typeText(state.node),
      first: state.span,
    })
  asksTraining(e, span)
  if (!e.training) return
  // The state of a layer outside of the stack that is being run would go from one of its layers to the next.
  const folded = e.scans.filter(({ layers }) => layers)
  if (state.layers.length !== folded.length) throw unfoldable(folded[0]!)
  state.next = node
  state.current = node
  scope.bind(name, tensor(node), span)
}
