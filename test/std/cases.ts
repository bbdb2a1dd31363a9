/**
 * The cases of test/fixtures/{std,recurrent,attention}.safetensors: a program over functions of the standard
 * library, what it is given, and what PyTorch makes of it. A new case is one row in scripts/fixtures.py or
 * scripts/fixtures_attention.py.
 */
import { check } from '../../compiler/1-check/index.ts'
import { differentiate } from '../../compiler/3-differentiate/differentiate.ts'
import type { Graph, Node, Result } from '../../compiler/ir/graph.ts'
import type { Value } from '../../compiler/ops/op.ts'
import type { ModelGraph, Program } from '../../compiler/program.ts'
import { type Fixture, type Numbers, readFixture } from './fixtures.ts'

export interface StdCase {
  readonly title: string
  readonly program: string
  readonly training: boolean
  readonly parameters: readonly string[]
  readonly states: readonly string[]
}

const [std, recurrent, attention] = ['std', 'recurrent', 'attention'].map((name) =>
  readFixture(`${name}.safetensors`),
) as [Fixture, Fixture, Fixture]
const tensors: ReadonlyMap<string, Numbers> = new Map([std, recurrent, attention].flatMap((f) => [...f.tensors]))
const casesOf = (fixture: Fixture): readonly StdCase[] => JSON.parse(fixture.metadata.get('cases')!) as StdCase[]
export const stdCases = casesOf(std)
/** Layers that are loops on a device. */
export const recurrentCases = casesOf(recurrent)
/** Attention, positions, masks and transformer blocks. */
export const attentionCases = casesOf(attention)

/** The tensors of a case that start with a prefix (`out.`, `grad.`, or nothing). */
export function tensorOf(title: string, name: string): Numbers | undefined {
  return tensors.get(`${title}/${name}`)
}
export function namesOf(title: string, prefix: string): string[] {
  const start = `${title}/${prefix}`
  return [...tensors.keys()].filter((key) => key.startsWith(start)).map((key) => key.slice(start.length))
}

export function checkText(text: string, path = 'case.dlm'): Program {
  return check({ path, text }, () => undefined)
}

export interface CaseRun {
  readonly model: ModelGraph
  readonly graph: Graph
  readonly leaf: (node: Node) => Value
}

/** Outputs, loss, next states and every gradient of a case as one graph, named as in the fixture. */
export function caseRun(each: StdCase): CaseRun {
  const program = checkText(each.program)
  if (program.diagnostics.length > 0)
    throw new Error(program.diagnostics.map((d) => `${d.code} ${d.message}`).join('\n'))
  const model = program.model('Case', { training: each.training })
  const wanted = [
    ...model.parameters.map((p) => ({ name: p.path, node: p.node })),
    ...model.inputs.filter((i) => i.dtype === 'float'),
  ]
  const gradients = differentiate(
    model.builder,
    model.loss!,
    wanted.map((w) => w.node),
  )
  const results: Result[] = [
    ...model.outputs.map(({ name, node }): Result => ({ name: `out.${name}`, node, role: 'output' })),
    { name: 'out.loss', node: model.loss!, role: 'loss' },
    ...model.states.flatMap((s): Result[] =>
      s.next ? [{ name: `out.next.${s.path}`, node: s.next, role: 'output' }] : [],
    ),
    ...gradients.map((node, i): Result => ({ name: `grad.${wanted[i]!.name}`, node, role: 'gradient' })),
  ]
  // By name, as passes may have made the node anew.
  const leaf = (node: Node): Value => {
    const { path, name = path } = node.attributes as { readonly name?: string; readonly path?: string }
    const given = name === undefined ? undefined : tensorOf(each.title, name)
    // The random key of dropout: any two words.
    if (!given) return { shape: [2], dtype: 'uint', data: Float64Array.of(7, 1) }
    return { shape: given.shape, dtype: node.dtype, data: given.data }
  }
  return { model, graph: { name: 'Case', results, origins: model.builder.origins }, leaf }
}
