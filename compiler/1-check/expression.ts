/** Expression → value. A fault inside an expression is reported where it is found and makes the whole of it poison. */
import type { Argument, Expression } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import { nearest } from '../diagnostics/near.ts'
import * as shapes from '../diagnostics/shapes.ts'
import * as statics from '../diagnostics/static.ts'
import { DimOverflow } from '../ir/dim.ts'
import { ShapeFault } from '../ops/op.ts'
import { binary, unary } from './arithmetic.ts'
import { call } from './call.ts'
import {
  asksTraining,
  called,
  type Elaboration,
  fail,
  fault,
  inFrame,
  limits,
  makeFrame,
  Reported,
  silent,
  step,
} from './elaboration.ts'
import { index } from './indexing.ts'
import { pipeline } from './pipeline.ts'
import type { Binding, Scope } from './scope.ts'
import { asDim, bool, describe, type Given, list, listSize, none, number, poison, string, type Value } from './value.ts'

export function evaluate(e: Elaboration, expression: Expression, scope: Scope): Value {
  step(e, expression.span)
  try {
    return dispatch(e, expression, scope)
  } catch (thrown) {
    return recover(e, thrown, expression.span)
  }
}

/** Turns what a computation threw into a reported fault, where it is one. */
export function recover(e: Elaboration, thrown: unknown, span: Span): Value {
  if (thrown instanceof Reported) return poison
  if (thrown instanceof DimOverflow) return fault(e, shapes.dimOverflow, { span, reason: thrown.message })
  if (thrown instanceof ShapeFault) return fault(e, shapes.operationFault, { span, reason: thrown.fault.reason })
  throw thrown
}

function dispatch(e: Elaboration, expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'number':
      return number(expression.value, expression.integer)
    case 'string':
      return string(expression.value)
    case 'boolean':
      return bool(expression.value)
    case 'none':
      return none
    case 'name':
      return lookUp(e, expression.name, expression.span, scope)
    case 'list':
      return evaluateList(e, expression, scope)
    case 'tuple':
      return {
        kind: 'tuple',
        parts: expression.items.map((item) => ({ name: partName(item), value: evaluate(e, item.value, scope) })),
      }
    case 'member':
      return member(e, evaluate(e, expression.object, scope), expression.member.name, expression.member.span)
    case 'index':
      return index(e, evaluate(e, expression.object, scope), expression, scope)
    case 'call': {
      const callee = evaluateCallee(e, expression.callee, scope)
      if (callee.kind === 'poison') {
        // The arguments are looked at all the same, for their own faults.
        givens(e, expression.arguments, scope)
        return poison
      }
      return call(e, callee, givens(e, expression.arguments, scope), expression.span)
    }
    case 'unary':
      return unary(e, expression.operator, evaluate(e, expression.operand, scope), expression)
    case 'binary':
      return binarySpine(e, expression, scope)
    case 'range': {
      const start = asDim(live(evaluate(e, expression.start, scope)))
      const stop = asDim(live(evaluate(e, expression.stop, scope)))
      if (!start) return fail(e, shapes.notADim, { span: expression.start.span, given: 'the start of the range' })
      if (!stop) return fail(e, shapes.notADim, { span: expression.stop.span, given: 'the end of the range' })
      return { kind: 'range', start, stop }
    }
    case 'conditional':
      return evaluate(e, condition(e, expression.condition, scope) ? expression.then : expression.else, scope)
    case 'chain':
      return {
        kind: 'blueprint',
        blueprint: { kind: 'chain', label: 'chain', span: expression.span, stages: expression.stages, scope },
      }
    case 'pipeline':
      return pipeline(e, expression, scope)
    case 'lambda':
      return { kind: 'lambda', expression, scope }
    case 'error':
      return poison
    default:
      return expression satisfies never
  }
}

function evaluateList(e: Elaboration, expression: Expression & { kind: 'list' }, scope: Scope): Value {
  const items = expression.items.map((item) => evaluate(e, item, scope))
  if (items.some((item) => item.kind === 'poison')) return poison
  const made = list(items)
  return listSize(made) > limits.items
    ? fail(e, statics.listTooLong, { span: expression.span, limit: limits.items })
    : made
}

/** Poison ends the expression that needs it. */
export function live(value: Value): Value {
  return value.kind === 'poison' ? silent() : value
}

/** A part of a tuple written as a bare name goes by that name. */
function partName(item: Argument): string | undefined {
  return item.name?.name ?? (item.value.kind === 'name' ? item.value.name : undefined)
}

export function givens(e: Elaboration, args: readonly Argument[], scope: Scope): Given[] {
  return args.map((a) => ({ name: a.name, value: evaluate(e, a.value, scope), span: a.value.span }))
}

export function lookUp(e: Elaboration, name: string, span: Span, scope: Scope): Value {
  const found = scope.find(name)
  if (!found)
    return fail(e, names.unknownName, {
      name,
      span,
      suggestion: e.sink.suggests ? nearest(name, scope.visible()) : undefined,
    })
  switch (found.kind) {
    case 'value':
      return found.value
    case 'training':
      // A constant is one value for every elaboration.
      if (e.frame.kind === 'static') return fail(e, statics.notStatic, { span, what: '`training`' })
      asksTraining(e, span)
      return bool(e.training)
    case 'constant':
      return constantValue(e, found, span)
    default:
      return found satisfies never
  }
}

const callable: ReadonlySet<Value['kind']> = new Set([
  'builtin',
  'function',
  'lambda',
  'module',
  'model',
  'blueprint',
  'layer',
  'poison',
])

/** What is called: in `dropout(x, dropout)`, a rate of the name does not hide the function. */
export function evaluateCallee(e: Elaboration, expression: Expression, scope: Scope): Value {
  const value = evaluate(e, expression, scope)
  if (expression.kind !== 'name' || callable.has(value.kind)) return value
  const hidden = scope.findAll(expression.name).find((b) => b.kind === 'value' && callable.has(b.value.kind))
  return hidden?.kind === 'value' ? hidden.value : value
}

/** A top-level constant, computed when it is first asked for. */
function constantValue(e: Elaboration, constant: Extract<Binding, { kind: 'constant' }>, span: Span): Value {
  const { declaration, scope, state } = constant
  const { name } = declaration.name
  if (state.kind === 'done') return state.value
  if (state.kind === 'running') return fail(e, names.constantCycle, { span, name, declared: declaration.name.span })
  constant.state = { kind: 'running' }
  // Whatever goes wrong on the way, it is told of once.
  let value: Value = poison
  try {
    value = called(e, name, span, () =>
      inFrame(e, makeFrame('static', e.root), () => evaluate(e, declaration.value, scope)),
    )
    if (value.kind === 'tensor') value = fault(e, statics.notStatic, { span: declaration.value.span, what: 'a tensor' })
  } finally {
    constant.state = { kind: 'done', value }
  }
  return value
}

function member(e: Elaboration, object: Value, name: string, span: Span): Value {
  if (object.kind === 'poison') return poison
  if (object.kind === 'tuple') {
    const part = object.parts.find((p) => p.name === name)
    if (part) return part.value
  }
  if (object.kind === 'layer') {
    const child = object.instance.children.get(name)
    if (child) return { kind: 'layer', instance: child }
  }
  const known =
    object.kind === 'tuple'
      ? object.parts.flatMap((p) => p.name ?? [])
      : object.kind === 'layer'
        ? [...object.instance.children.keys()]
        : []
  return fail(e, names.unknownMember, { span, name, object: describe(object), known, suggestion: nearest(name, known) })
}

/** A condition that must be known while compiling. */
export function condition(e: Elaboration, expression: Expression, scope: Scope): boolean {
  const value = live(evaluate(e, expression, scope))
  if (value.kind === 'bool') return value.value
  if (value.kind === 'tensor') return fail(e, statics.undecided, { span: expression.span, given: describe(value) })
  return fail(e, statics.notACondition, { span: expression.span, given: describe(value) })
}

/** `a + b + c + …` leans to the left as deep as it is long, so its spine is walked and not recursed into. */
function binarySpine(e: Elaboration, expression: Expression & { kind: 'binary' }, scope: Scope): Value {
  if (expression.left.kind !== 'binary')
    return binaryOperation(e, expression, evaluate(e, expression.left, scope), scope)
  const spine: (Expression & { kind: 'binary' })[] = []
  let leftmost: Expression = expression
  while (leftmost.kind === 'binary') {
    spine.push(leftmost)
    leftmost = leftmost.left
  }
  let value = evaluate(e, leftmost, scope)
  for (const operation of spine.reverse()) value = binaryOperation(e, operation, value, scope)
  return value
}

function binaryOperation(e: Elaboration, operation: Expression & { kind: 'binary' }, left: Value, scope: Scope): Value {
  step(e, operation.span)
  try {
    return binary(e, operation, left, () => evaluate(e, operation.right, scope))
  } catch (thrown) {
    return recover(e, thrown, operation.span)
  }
}
