/** What a model shows to the outside: inputs, targets, outputs, losses, metrics. */
import type { LossStatement, MetricStatement, OutputStatement, PortStatement, Statement } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import * as shapes from '../diagnostics/shapes.ts'
import { type Dim, symbol, symbolsOf } from '../ir/dim.ts'
import type { DType, Node } from '../ir/graph.ts'
import type { NamedNode, TensorPort } from '../program.ts'
import { notATensor, toTensor } from './coerce.ts'
import { type Elaboration, fail } from './elaboration.ts'
import { cast, emit } from './emit.ts'
import { evaluate, live } from './expression.ts'
import { setDimSources } from './provenance.ts'
import type { Scope } from './scope.ts'
import { accept, finish, isFree, patternDim, startUnifier, staticDim } from './signature.ts'
import { dimText, dimValue, tensor, typeText, type Value } from './value.ts'
import { namesIn } from './walk.ts'

export interface Ports {
  readonly dims: string[]
  readonly inputs: TensorPort[]
  readonly targets: TensorPort[]
  readonly outputs: NamedNode[]
  readonly lossTerms: NamedNode[]
  readonly metrics: NamedNode[]
  /** Whether anything before an input or target asked if it is training. */
  asksTraining: boolean
}
export const noPorts = (): Ports => ({
  dims: [],
  inputs: [],
  targets: [],
  outputs: [],
  lossTerms: [],
  metrics: [],
  asksTraining: false,
})

/** Whether one of the statements, or one within them, declares an input or target. */
export const declaresPort = (statements: readonly Statement[]): boolean =>
  statements.some(({ kind }) => kind === 'input' || kind === 'target') || statements.some(declaresPortWithin)

/** An `if` or `for` that declares an input or target: whether there is one is another question than what it is. */
export function declaresPortWithin(statement: Statement): boolean {
  if (statement.kind === 'for') return declaresPort(statement.body.statements)
  return (
    statement.kind === 'if' &&
    (declaresPort(statement.then.statements) || declaresPort(statement.else?.statements ?? []))
  )
}

export function modelStatement(
  e: Elaboration,
  statement: PortStatement | OutputStatement | LossStatement | MetricStatement,
  scope: Scope,
): void {
  switch (statement.kind) {
    case 'input':
    case 'target':
      port(e, statement, scope)
      return
    case 'output':
      output(e, statement, scope)
      return
    case 'loss': {
      const node = scalar(e, 'loss', live(evaluate(e, statement.value, scope)), statement.value.span)
      const name =
        statement.name?.name ?? (e.ports.lossTerms.length === 0 ? 'loss' : `loss_${e.ports.lossTerms.length + 1}`)
      const span = statement.name?.span ?? statement.value.span
      add(e, e.ports.lossTerms, { name, node, span, documentation: statement.documentation })
      if (statement.name) scope.bind(name, tensor(node), span)
      return
    }
    case 'metric': {
      const node = scalar(e, 'metric', live(evaluate(e, statement.value, scope)), statement.value.span)
      const { name, span } = statement.name
      add(e, e.ports.metrics, { name, node, span, documentation: statement.documentation })
      scope.bind(name, tensor(node), span)
      return
    }
    default:
      statement satisfies never
  }
}

function add(e: Elaboration, to: NamedNode[], port: NamedNode): void {
  const { inputs, targets, outputs, lossTerms, metrics } = e.ports
  const first = [inputs, targets, outputs, lossTerms, metrics].flat().find((p) => p.name === port.name)
  if (first)
    fail(e, names.declaredTwice, { span: port.span, name: port.name, what: 'name of the model', first: first.span })
  to.push(port)
}

const dtypes: ReadonlyMap<string, DType> = new Map([
  ['float', 'float'],
  ['int', 'int'],
  ['bool', 'bool'],
])

/** A dim name that is not in scope yet is a free dim of the model: bound when a session opens. */
function port(e: Elaboration, statement: PortStatement, scope: Scope): void {
  const { kind, type } = statement
  const dtype = dtypes.get(type.element.name)
  if (!dtype)
    return void fail(e, names.unknownType, {
      span: type.element.span,
      name: type.element.name,
      known: [...dtypes.keys()],
    })
  if (type.dims === undefined)
    return void fail(e, shapes.variableType, {
      span: type.span,
      kind,
      reason: `it needs a shape: \`${type.element.name}[batch]\``,
    })
  if (type.optional)
    return void fail(e, shapes.variableType, { span: type.span, kind, reason: 'it cannot be optional' })
  const shape = type.dims.map((pattern): Dim => {
    if (pattern.kind === 'rest')
      return fail(e, shapes.variableType, { span: pattern.span, kind, reason: 'its dims must be written out' })
    for (const name of namesIn(pattern.value))
      if (pattern.value.kind === 'name' ? staticDim(scope, name) === undefined : isFree(scope, name)) {
        e.ports.dims.push(name)
        scope.bind(name, dimValue(symbol(name)), pattern.span)
      }
    const size = patternDim(e, pattern.value, scope)
    if (size.constant !== undefined && size.constant < 0)
      return fail(e, shapes.negativeSize, {
        span: pattern.span,
        what: `${kind} ${statement.name.name}`,
        dim: dimText(size),
      })
    for (const name of symbolsOf(size)) if (!e.ports.dims.includes(name)) e.ports.dims.push(name)
    return size
  })
  e.ports.asksTraining ||= e.dependsOnTraining
  const { name, span } = statement.name
  const taken = [...e.ports.inputs, ...e.ports.targets].find((p) => p.name === name)
  if (taken) return void fail(e, names.declaredTwice, { span, name, what: kind, first: taken.span })
  const node = emit(e, 'input', [], { name, shape, dtype, role: kind })
  setDimSources(
    e,
    node,
    type.dims.map((d) => ({ span: d.span, text: `\`${name}\`` })),
  )
  add(e, kind === 'input' ? e.ports.inputs : e.ports.targets, {
    name,
    node,
    span,
    shape,
    dtype,
    documentation: statement.documentation,
  } as TensorPort)
  scope.bind(name, tensor(node), span, type)
}

function output(e: Elaboration, statement: OutputStatement, scope: Scope): void {
  const { name, span } = statement.name
  let value = live(evaluate(e, statement.value, scope))
  if (statement.type) {
    const unifier = startUnifier(scope)
    value = accept(e, unifier, statement.type, value, { role: 'value', label: name, span: statement.value.span })
    finish(e, unifier)
  }
  if (value.kind === 'tuple') return void fail(e, shapes.notATensor, notATensor(value, statement.value.span))
  const node = toTensor(e, value, statement.value.span)
  add(e, e.ports.outputs, { name, node, span, documentation: statement.documentation })
  scope.bind(name, tensor(node), span)
}

/** Losses and metrics are one number each. */
function scalar(e: Elaboration, what: 'loss' | 'metric', value: Value, span: Span): Node {
  const node = toTensor(e, value, span, 'float')
  if (node.shape.length > 0) return fail(e, shapes.notAScalar, { span, what, given: typeText(node) })
  if (what === 'loss' && node.dtype !== 'float')
    return fail(e, shapes.notAScalar, { span, what, given: typeText(node) })
  return cast(e, node, 'float')
}
