/** The names that an expression mentions, without recursion on long operator chains. */
import type { Expression } from '../../grammar/ast.ts'

/** Sub-expressions, in source order. Bodies of lambdas and stages are included. */
export function parts(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'boolean':
    case 'none':
    case 'name':
    case 'error':
      return []
    case 'list':
      return expression.items
    case 'tuple':
      return expression.items.map((item) => item.value)
    case 'member':
      return [expression.object]
    case 'index':
      return [
        expression.object,
        ...expression.indices.flatMap((item) =>
          item.kind === 'at'
            ? [item.value]
            : item.kind === 'slice'
              ? [item.start, item.stop, item.step].filter((x) => x !== undefined)
              : [],
        ),
      ]
    case 'call':
      return [expression.callee, ...expression.arguments.map((a) => a.value)]
    case 'unary':
      return [expression.operand]
    case 'binary':
      return [expression.left, expression.right]
    case 'range':
      return [expression.start, expression.stop]
    case 'conditional':
      return [expression.condition, expression.then, expression.else]
    case 'chain':
      return expression.stages.map((s) => s.value)
    case 'pipeline':
      return [expression.input, ...expression.stages.map((s) => s.value)]
    case 'lambda':
      return [expression.body]
    default:
      return expression satisfies never
  }
}

export function namesIn(expression: Expression): Set<string> {
  const names = new Set<string>()
  const pending: Expression[] = [expression]
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.kind === 'name') names.add(next.name)
    else pending.push(...parts(next))
  }
  return names
}
