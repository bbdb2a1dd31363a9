/** Functions of what is known while compiling: sizes, lists, models. */
import * as calls from '../../diagnostics/calls.ts'
import * as names from '../../diagnostics/names.ts'
import { nearest } from '../../diagnostics/near.ts'
import * as statics from '../../diagnostics/static.ts'
import { matchesPattern } from '../../path-pattern.ts'
import type { ModelGraph } from '../../program.ts'
import { call as apply } from '../call.ts'
import { fail, limits, silent, step } from '../elaboration.ts'
import { listItems } from '../indexing.ts'
import { mapColumns } from '../map-columns.ts'
import { bool, describe, dimList, dimValue, isCallable, list, number, poison, string, type Value } from '../value.ts'
import type { Builtin, BuiltinCall } from './builtin.ts'

function modelOf(call: BuiltinCall, whole: boolean): ModelGraph {
  const value = call.value('model')
  if (value.kind !== 'model') return call.wrong('model', 'a model')
  if (!call.e.model) return fail(call.e, statics.notStatic, { span: call.span, what: 'a model' })
  const graph = call.e.model(value, whole)
  if (graph) return graph
  // As it stands it is elaborated anyway, and its faults are told there, once.
  const asItStands =
    value.declaration.parameters.every((p) => p.default !== undefined) && (value.arguments?.size ?? 0) === 0
  if (asItStands) silent()
  return fail(call.e, statics.faultyModel, { span: call.at('model'), name: value.declaration.name.name })
}

function mapped(call: BuiltinCall): Value {
  const { e, span } = call
  const each = call.value('each')
  if (!isCallable(each) && each.kind !== 'poison') return notMapped(call, each)
  const lists = [call.items('items'), ...call.more.map((other) => listItems(e, other.value, other.span))]
  const [first, ...others] = lists as [readonly Value[], ...(readonly Value[])[]]
  const differs = others.findIndex((other) => other.length !== first.length)
  if (differs >= 0)
    return fail(e, statics.badValue, {
      span: call.more[differs]!.span,
      reason: `map goes through its lists together: one has ${first.length} items and another ${others[differs]!.length}`,
    })
  checkArity(call, each, lists.length)
  const columns = mapColumns(each, lists, limits.steps - e.steps)
  if (columns) {
    step(e, span, columns.steps)
    return list(columns.items)
  }
  const items = first.map((_, i) => {
    step(e, span)
    const given = lists.map((items) => ({ name: undefined, value: items[i]!, span }))
    return apply(e, each, given, span)
  })
  return items.some((item) => item.kind === 'poison') ? poison : list(items)
}

/** What stands in the place of the function is none. */
function notMapped(call: BuiltinCall, each: Value): Value {
  const { e, span } = call
  const items = call.value('items')
  const argument = (name: string) => ({ span: call.at(name), name, given: describe(call.value(name)) })
  if (isCallable(items) && (each.kind === 'list' || each.kind === 'range'))
    return fail(e, calls.swapped, { label: 'map', call: span, first: argument('items'), second: argument('each') })
  return fail(e, calls.notAFunction, { label: 'each of map', span: call.at('each'), given: describe(each) })
}

/** Said here, where the lists are: by itself the function would only find an argument too many or too few. */
function checkArity(call: BuiltinCall, each: Value, lists: number): void {
  const parameters =
    each.kind === 'lambda'
      ? each.expression.parameters
      : each.kind === 'function'
        ? each.declaration.parameters
        : undefined
  if (!parameters) return
  const needed = parameters.filter((p) => !p.default && !p.type?.optional).length
  if (lists >= needed && lists <= parameters.length) return
  const range = needed === parameters.length ? needed : `${needed} to ${parameters.length}`
  fail(call.e, calls.wrongArity, { span: call.at('each'), lists, takes: `${range} argument${range === 1 ? '' : 's'}` })
}

export const staticRows: readonly Builtin[] = [
  {
    name: 'size',
    signature: 'size(x: tensor, axis: int) -> int',
    doc: 'the size of one axis, known while compiling',
    apply: (call) => {
      const x = call.tensor('x')
      return dimValue(x.shape[call.axis('axis', x.shape.length)]!)
    },
  },
  {
    name: 'rank',
    signature: 'rank(x: tensor) -> int',
    doc: 'the number of axes',
    apply: (call) => number(call.tensor('x').shape.length),
  },
  {
    name: 'dtype',
    signature: 'dtype(x: tensor) -> string',
    doc: '"float", "int", "uint" or "bool"',
    apply: (call) => string(call.tensor('x').dtype),
  },
  {
    name: 'is_tensor',
    signature: 'is_tensor(x: any) -> bool',
    doc: 'whether a value is a tensor, and not known while compiling',
    apply: (call) => bool(call.value('x').kind === 'tensor'),
  },
  {
    name: 'is_list',
    signature: 'is_list(x: any) -> bool',
    doc: 'whether a value is a list',
    apply: (call) => bool(call.value('x').kind === 'list'),
  },
  {
    name: 'is_string',
    signature: 'is_string(x: any) -> bool',
    doc: 'whether a value is a string',
    apply: (call) => bool(call.value('x').kind === 'string'),
  },
  {
    name: 'len',
    signature: 'len(items: any) -> int',
    doc: 'the number of items of a list, or of layers of a stack',
    apply: (call) => {
      const value = call.value('items')
      if (value.kind === 'layer' && value.instance.blueprint.kind === 'stack')
        return number(value.instance.blueprint.count)
      if (value.kind === 'tuple') return number(value.parts.length)
      if (value.kind === 'string') return number(value.value.length)
      return number(call.items('items').length)
    },
  },
  {
    name: 'list',
    signature: 'list(items: any) -> list',
    doc: 'the items of a range as a list',
    apply: (call) => list(call.items('items')),
  },
  {
    name: 'map',
    signature: 'map(items: any, each: any, ...others: any) -> list',
    doc: 'what a function gives for each item of a list; of several lists, for the first items, the second ones, …',
    apply: mapped,
  },
  {
    name: 'parameters',
    signature: 'parameters(model: any, paths: string = "*") -> int',
    doc: 'how many numbers a model learns; with a pattern such as "encoder.*", only those under these paths',
    apply: (call) => {
      const model = modelOf(call, false)
      const text = call.text('paths')
      const found = model.parameters.filter((p) => matchesPattern(text, p.path))
      if (found.length === 0 && text !== '*') {
        const paths = model.parameters.map((p) => p.path)
        return fail(call.e, names.noSuchPath, {
          span: call.at('paths'),
          pattern: text,
          model: model.name,
          suggestion: nearest(text, [...paths, ...model.layers.map((l) => `${l.path}.*`)]),
          known: paths,
        })
      }
      return number(found.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0))
    },
  },
  {
    name: 'result_shape',
    signature: 'result_shape(model: any, path: string) -> list',
    doc: "the shape of a layer's result, an output or an exposed value of a model",
    apply: (call) => {
      const model = modelOf(call, true)
      const path = call.text('path')
      const named = [...model.outputs, ...model.exposed, ...model.inputs, ...model.targets].find(
        (n) => n.name === path,
      )?.node
      const node = named ?? model.layers.find((l) => l.path === path)?.results[0]
      if (node) return dimList(node.shape)
      const known = [
        ...model.outputs.map((o) => o.name),
        ...model.layers.map((l) => l.path),
        ...model.exposed.map((x) => x.name),
      ]
      return fail(call.e, names.noSuchPath, {
        span: call.at('path'),
        pattern: path,
        model: model.name,
        suggestion: nearest(path, known),
        known,
      })
    },
  },
]
