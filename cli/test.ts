/** `dlmc test FILE…`: the `test` blocks, on the float64 reference and on the device. */
import { report } from '../compiler/diagnostics/catalogue.ts'
import type { Diagnostic } from '../compiler/diagnostics/diagnostic.ts'
import { DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { expectationFails } from '../compiler/diagnostics/tests.ts'
import type { Node } from '../compiler/ir/graph.ts'
import { compileGraph } from '../compiler/pipeline.ts'
import type { Expectation, Program, TestCase } from '../compiler/program.ts'
import { evaluate } from '../compiler/reference/evaluate.ts'
import { exitCodes, show } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { deviceOption, type Verb } from './options.ts'
import { openCompiled, selectDevice } from './session.ts'
import { terminal } from './terminal.ts'

type Numbers = ArrayLike<number>
/** Evaluates the nodes of one test in order. */
type Evaluator = (nodes: readonly Node[], title: string) => Promise<readonly Numbers[]>

interface Outcome {
  readonly file: string
  readonly title: string
  readonly where: string
  readonly failures: readonly Diagnostic[]
}

export const testVerb: Verb = (program, run) => {
  program
    .command('test')
    .description('run the test blocks, on the reference and on the device')
    .argument('<file...>')
    .option(...deviceOption)
    .option('--reference', 'only on the float64 reference')
    .option('--json', 'outcomes as JSON')
    .option('--quiet', 'only failures and the count')
    .action((files: string[], options: { device: string; reference?: boolean; json?: boolean; quiet?: boolean }) =>
      run(async () => {
        const outcomes: Outcome[] = []
        const programs = files.map((file) => [file, loadValidProgram(file)] as const)
        const places = new Map<string, Evaluator>([['reference', onReference]])
        if (!options.reference) {
          const device = await selectDevice(options.device, true)
          if (device.device) places.set(device.description.name, onDevice(device))
        }
        for (const [file, checked] of programs)
          for (const [where, evaluate] of places) outcomes.push(...(await runTests(file, checked, where, evaluate)))
        const failed = outcomes.filter((o) => o.failures.length > 0)
        if (options.json)
          terminal.json(
            outcomes.map(({ failures, ...rest }) => ({
              ...rest,
              passed: failures.length === 0,
              failures: failures.map((f) => f.message),
            })),
          )
        else {
          for (const o of outcomes)
            if (!options.quiet || o.failures.length > 0)
              terminal.line(`${o.failures.length === 0 ? 'ok  ' : 'FAIL'} ${o.file}: ${o.title} (${o.where})`)
          terminal.line(`${outcomes.length - failed.length} passed, ${failed.length} failed`)
        }
        show(failed.flatMap((o) => o.failures))
        return failed.length > 0 ? exitCodes.wrong : exitCodes.done
      }),
    )
}

async function runTests(file: string, program: Program, where: string, evaluate: Evaluator): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const test of program.tests)
    outcomes.push({ file, title: test.title, where, failures: await failuresOf(test, where, evaluate) })
  return outcomes
}

async function failuresOf(test: TestCase, where: string, evaluate: Evaluator): Promise<Diagnostic[]> {
  const wanted = test.expectations.flatMap((e) => [e.condition, ...(e.sides ?? [])])
  if (wanted.length === 0) return []
  let values: readonly Numbers[]
  try {
    values = await evaluate(wanted, test.title)
  } catch (error) {
    if (error instanceof DiagnosticError) return [...error.diagnostics]
    throw error
  }
  const failures: Diagnostic[] = []
  let at = 0
  for (const expectation of test.expectations) {
    const holds = Array.from(values[at++]!).every((x) => x !== 0)
    const sides = expectation.sides ? [values[at++]!, values[at++]!] : undefined
    if (!holds) failures.push(failureOf(expectation, where, sides))
  }
  return failures
}

const failureOf = (expectation: Expectation, where: string, sides: readonly Numbers[] | undefined): Diagnostic =>
  report(expectationFails, {
    span: expectation.span,
    where,
    message: expectation.message,
    sides: sides?.map((s) => Array.from(s).slice(0, 8).join(', ') + (s.length > 8 ? ', …' : '')),
  })

const onReference: Evaluator = async (nodes) =>
  evaluate(nodes, {
    leaf: () => {
      throw new Error('a test has no inputs')
    },
  }).map((value) => value.data)

function onDevice(device: Awaited<ReturnType<typeof selectDevice>>): Evaluator {
  return async (nodes, title) => {
    const names = new Map(nodes.map((node, i) => [node, `value${i}`]))
    const graph = {
      name: `test ${title}`,
      results: [...names].map(([node, name]) => ({ name, node, role: 'output' as const })),
      origins: new Map(),
    }
    const executor = await openCompiled(compileGraph(graph, device.target), device, { dims: {}, entries: ['infer'] })
    try {
      await executor.run('infer')
      const read = new Map<Node, Numbers>()
      for (const [node, name] of names) read.set(node, await executor.read(name))
      return nodes.map((node) => read.get(node)!)
    } finally {
      executor.dispose()
    }
  }
}
