/** An optimizer's module → its graph over a flat run of N parameters; its states are the moments. */
import type { Span } from '../../grammar/source.ts'
import * as names from '../diagnostics/names.ts'
import { symbol } from '../ir/dim.ts'
import type { OptimizerDescription, OptimizerGraph } from '../program.ts'
import { configure } from './call.ts'
import { fail, silent } from './elaboration.ts'
import { emit } from './emit.ts'
import type { Instance } from './instance.ts'
import { callLayer, instantiate, tree } from './layers.ts'
import { type Elaborated, elaborate } from './model.ts'
import type { Scope } from './scope.ts'
import { fromStaticValue } from './static.ts'
import { type Given, tensor, typeText } from './value.ts'

export function elaborateOptimizer(
  description: OptimizerDescription,
  scope: Scope,
  isStandard: (span: Span) => boolean,
): Elaborated<OptimizerGraph> {
  const { span, module: name } = description
  const flat = symbol('N')
  return elaborate({ training: true, isStandard, kind: 'model', span, flat }, (e, builder): OptimizerGraph => {
    const bad = (reason: string): never => fail(e, names.badOptimizer, { span, name, reason })
    const found = scope.find(name)
    if (found?.kind !== 'value' || found.value.kind !== 'module') return bad('there is no module of that name')
    const given = [...description.arguments].map(
      ([argument, value]): Given => ({ name: { name: argument, span }, value: fromStaticValue(value), span }),
    )
    const instance = instantiate(e, 'optimizer', configure(e, found.value, given, span), span)

    const leaf = (leafName: string, shape: readonly (typeof flat)[], role: 'input' | 'gradient' | 'step') =>
      emit(e, 'input', [], { name: leafName, shape, dtype: 'float', role })
    const leaves = {
      param: leaf('param', [flat], 'input'),
      grad: leaf('grad', [flat], 'gradient'),
      rate: leaf('rate', [], 'step'),
      step: leaf('step', [], 'step'),
    }
    const value = callLayer(
      e,
      instance,
      Object.entries(leaves).map(
        ([argument, node]): Given => ({ name: { name: argument, span }, value: tensor(node), span }),
      ),
      span,
    )
    if (value.kind === 'poison') return silent()
    if (
      value.kind !== 'tensor' ||
      value.node.dtype !== 'float' ||
      value.node.shape.length !== 1 ||
      value.node.shape[0] !== flat
    )
      return bad(`its result is ${value.kind === 'tensor' ? typeText(value.node) : 'no tensor'}, and must be float[N]`)
    const instances = tree(e.root)
    if (instances.some((i) => i.parameters.size > 0)) return bad('it has parameters of its own')
    if (e.randomKey) return bad('it draws random numbers')
    const moments = instances.flatMap((i) => states(i, bad))
    return { ...leaves, result: value.node, moments, origins: builder.origins }
  })
}

function states(instance: Instance, bad: (reason: string) => never): OptimizerGraph['moments'] {
  return [...instance.states.values()].map(({ path, node, next, initial, dtype }) => {
    if (dtype !== 'float' || node.shape.length !== 1 || node.shape[0]!.constant !== undefined)
      return bad(`its state ${path} is not float[N]`)
    if (initial.kind !== 'constant') return bad(`its state ${path} does not begin at one number`)
    return { name: path.replace(/^optimizer\./, ''), node, next: next ?? node, initial: initial.value }
  })
}
