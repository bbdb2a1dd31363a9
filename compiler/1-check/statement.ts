/**
 * Runs statements. `if` and `for` are static and unrolled in place: what a `let` inside them binds belongs to the
 * surrounding body, so a loop can build a value up turn by turn.
 */
import type { Expression, Statement } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import * as shapes from '../diagnostics/shapes.ts'
import * as statics from '../diagnostics/static.ts'
import { nodesOf } from '../ir/graph.ts'
import { lowerOf } from '../ops/registry.ts'
import { configure } from './call.ts'
import { notATensor } from './coerce.ts'
import { at, type Elaboration, type Frame, fail, fault, inFrame, step } from './elaboration.ts'
import { expectation } from './expectation.ts'
import { condition, evaluate, live, lookUp, recover } from './expression.ts'
import { listItems } from './indexing.ts'
import { childPath } from './instance.ts'
import { instantiate, tensorsOf } from './layers.ts'
import { modelStatement } from './ports.ts'
import { requireAtLeastZero, sizesThatHold } from './requirement.ts'
import { nextCarry, poisonResults, runScan, yieldValue } from './scan.ts'
import type { Scope } from './scope.ts'
import { accept, finish, startUnifier, textOf } from './signature.ts'
import { describe, type Given, list, poison, string, type Value } from './value.ts'
import { declareVariable, nextState } from './variables.ts'

export interface Returned {
  readonly value: Value
  readonly span: Span
}

/** Runs statements to their end or to a `return`. */
export function run(e: Elaboration, statements: readonly Statement[], scope: Scope): Returned | undefined {
  for (const statement of statements) {
    step(e, statement.span)
    const returned = at(e, statement.span, () => {
      try {
        return one(e, statement, scope)
      } catch (thrown) {
        recover(e, thrown, statement.span)
        poisonNames(statement, scope)
        // A `return` at fault still ends the body.
        return statement.kind === 'return' ? { value: poison, span: statement.span } : undefined
      }
    })
    if (returned) return returned
  }
  return undefined
}

/** Names that a faulty statement would have bound are known, and silent. */
function poisonNames(statement: Statement, scope: Scope): void {
  if (statement.kind === 'scan') poisonResults(statement, scope)
  else if (statement.kind === 'let') for (const name of statement.names) scope.bind(name.name, poison, name.span)
  else if ('name' in statement && statement.name && statement.kind !== 'for')
    scope.bind(statement.name.name, poison, statement.name.span)
}

/** Which statements a place allows besides `let`, `if`, `for`, `require` and `expose`. */
const allowed: { readonly [Kind in Frame['kind']]: ReadonlySet<Statement['kind']> } = {
  static: new Set(),
  model: new Set(['layer', 'param', 'state', 'input', 'target', 'output', 'loss', 'metric', 'next', 'scan']),
  members: new Set(['layer', 'param', 'state']),
  forward: new Set(['layer', 'param', 'state', 'next', 'return', 'scan']),
  function: new Set(['return', 'scan']),
  chain: new Set(),
  test: new Set(['layer', 'expect', 'scan']),
  scan: new Set(['layer', 'param', 'state', 'next', 'yield', 'scan']),
}
const everywhere: ReadonlySet<Statement['kind']> = new Set(['let', 'if', 'for', 'require', 'expose', 'expression'])
const places: { readonly [Kind in Frame['kind']]: string } = {
  static: 'here',
  model: 'in a model',
  members: 'in a module outside `forward`',
  forward: 'in `forward`',
  function: 'in a function',
  chain: 'in a chain',
  test: 'in a test',
  scan: 'in the body of a scan',
}

const declares: ReadonlySet<Statement['kind']> = new Set(['layer', 'param', 'state'])
const isAllowed = ({ kind }: Statement, place: Frame['kind']): boolean =>
  everywhere.has(kind) || allowed[place].has(kind)

function one(e: Elaboration, statement: Statement, scope: Scope): Returned | undefined {
  const { kind: place, around } = e.frame
  if (!isAllowed(statement, place))
    return void fault(e, names.misplaced, { span: statement.span, what: `\`${statement.kind}\``, where: places[place] })
  // The body of a scan makes layers and parameters where the place around it does.
  if (around && declares.has(statement.kind) && !isAllowed(statement, around))
    return void fault(e, names.misplaced, {
      span: statement.span,
      what: `\`${statement.kind}\``,
      where: places[around],
    })
  switch (statement.kind) {
    case 'let':
      return void runLet(e, statement, scope)
    case 'layer': {
      const value = live(evaluate(e, statement.value, scope))
      scope.bind(
        statement.name.name,
        makeLayers(e, statement.name.name, value, statement.name.span, statement.value.span),
        statement.name.span,
      )
      return undefined
    }
    case 'param':
    case 'state':
      return void declareVariable(e, statement, scope)
    case 'next':
      return void (place === 'scan' ? nextCarry(e, statement, scope) : nextState(e, statement, scope))
    case 'input':
    case 'target':
    case 'output':
    case 'loss':
    case 'metric':
      return void modelStatement(e, statement, scope)
    case 'expose':
      return void expose(e, statement, scope)
    case 'require':
      // What a module asks for is not there: what it would do without is not looked at.
      return checkRequirement(e, statement, scope) ? undefined : { value: poison, span: statement.span }
    case 'expect':
      return void expectation(e, statement, scope)
    case 'return':
      return { value: evaluate(e, statement.value, scope), span: statement.value.span }
    case 'if':
      if (condition(e, statement.condition, scope)) return run(e, statement.then.statements, scope)
      return statement.else && run(e, statement.else.statements, scope)
    case 'for':
      return runFor(e, statement, scope)
    case 'scan':
      return void runScan(e, statement, scope)
    case 'yield':
      return void yieldValue(e, statement, scope)
    case 'expression': {
      const value = evaluate(e, statement.value, scope)
      if (value.kind !== 'poison') fault(e, statics.unusedValue, { span: statement.span, given: describe(value) })
      return undefined
    }
    default:
      return statement satisfies never
  }
}

function runLet(e: Elaboration, statement: Statement & { kind: 'let' }, scope: Scope): void {
  let value = live(evaluate(e, statement.value, scope))
  if (statement.type) {
    const unifier = startUnifier(scope)
    value = accept(e, unifier, statement.type, value, {
      role: 'value',
      label: statement.names.map((n) => n.name).join(', '),
      span: statement.value.span,
    })
    finish(e, unifier)
  }
  if (!statement.tuple) {
    const [name] = statement.names
    scope.bind(name!.name, value, name!.span, statement.type)
    return
  }
  const parts =
    value.kind === 'tuple' ? value.parts.map((p) => p.value) : value.kind === 'list' ? value.items : undefined
  if (!parts || parts.length !== statement.names.length)
    fail(e, statics.unpackMismatch, {
      span: statement.value.span,
      names: statement.names.length,
      given: describe(value),
    })
  else for (const [i, name] of statement.names.entries()) scope.bind(name.name, parts[i]!, name.span)
}

/** `layer heads = [Linear(2), Linear(3)]` makes `heads[0]` and `heads[1]`. */
function makeLayers(e: Elaboration, name: string, value: Value, nameSpan: Span, span: Span): Value {
  if (value.kind === 'poison' || value.kind === 'layer') return value
  if (value.kind === 'blueprint') return { kind: 'layer', instance: instantiate(e, name, value.blueprint, nameSpan) }
  if (value.kind === 'module') return makeLayers(e, name, callWithDefaults(e, value, span), nameSpan, span)
  if (value.kind === 'list')
    return list(value.items.map((item, i) => makeLayers(e, `${name}[${i}]`, item, nameSpan, span)))
  return fail(e, names.notALayer, { span, given: describe(value) })
}

function runFor(e: Elaboration, statement: Statement & { kind: 'for' }, scope: Scope): Returned | undefined {
  const range = live(evaluate(e, statement.range, scope))
  // A range is counted and not spread out: `0..10^9` ends at the limit on work, not in memory.
  const count = range.kind === 'range' ? rangeLength(e, range, statement.range) : undefined
  const items = count === undefined ? listItems(e, range, statement.range.span) : undefined
  const { turns } = e.frame
  for (let i = 0; i < (count ?? items!.length); i++) {
    step(e, statement.span)
    const item: Value = items
      ? items[i]!
      : { kind: 'number', value: (range as Value & { kind: 'range' }).start.constant! + i, integer: true }
    scope.bind(statement.name.name, item, statement.name.span)
    const returned = inFrame(e, { ...e.frame, turns: `${turns}[${i}]` }, () => run(e, statement.body.statements, scope))
    if (returned) return returned
  }
  return undefined
}

function rangeLength(e: Elaboration, range: Value & { kind: 'range' }, at: Expression): number {
  const [start, stop] = [range.start.constant, range.stop.constant]
  if (start === undefined || stop === undefined)
    return fail(e, statics.notStatic, { span: at.span, what: `the length of ${describe(range)}` })
  return Math.max(0, stop - start)
}

function expose(e: Elaboration, statement: Statement & { kind: 'expose' }, scope: Scope): void {
  const { name, span } = statement.name
  const value = live(statement.value ? evaluate(e, statement.value, scope) : lookUp(e, name, span, scope))
  const [node, ...more] = tensorsOf(value)
  if (!node || more.length > 0) return void fail(e, shapes.notATensor, notATensor(value, statement.value?.span ?? span))
  if (statement.value) scope.bind(name, value, span)
  const path = childPath(e.frame.owner.path, name + e.frame.turns)
  let unique = path
  for (let k = 2; e.exposed.some((x) => x.name === unique); k++) unique = `${path}_${k}`
  e.exposed.push({ name: unique, node, span })
}

/** Holds where sizes alone decide and they are still open; nothing else may be undecided. */
function checkRequirement(e: Elaboration, statement: Statement & { kind: 'require' }, scope: Scope): boolean {
  const value = live(evaluate(e, statement.condition, scope))
  if (value.kind === 'bool') {
    if (value.value) return true
    const message = statement.message ? live(evaluate(e, statement.message, scope)) : string('')
    fault(e, statics.requireFailed, {
      span: statement.condition.span,
      message: message.kind === 'string' ? message.value : describe(message),
      calls: e.calls
        .map((c) => c.span)
        .filter((s) => !e.isStandard(s))
        .slice(-1),
    })
    return false
  }
  if (value.kind !== 'tensor')
    return fail(e, statics.notACondition, { span: statement.condition.span, given: describe(value) })
  if (nodesOf([{ node: value.node }]).some((n) => lowerOf(n).kind === 'leaf' && !('data' in n.attributes)))
    return fail(e, statics.undecided, { span: statement.condition.span, given: describe(value) })
  const message = statement.message && live(evaluate(e, statement.message, scope))
  const says = message?.kind === 'string' ? message.value : textOf(statement.condition)
  for (const size of sizesThatHold(e, statement.condition, scope)) requireAtLeastZero(e, size, says)
  return true
}

const noArguments: readonly Given[] = []
function callWithDefaults(e: Elaboration, module: Value & { kind: 'module' }, span: Span): Value {
  return { kind: 'blueprint', blueprint: configure(e, module, noArguments, span) }
}
