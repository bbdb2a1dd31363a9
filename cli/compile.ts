/** `dlmc compile FILE -o DIR`: TypeScript modules. `dlmc compile FILE --print STAGE`: any stage of the compiler as text. */
import { sourceComment } from '../compiler/7-emit/wgsl/emit.ts'
import { printGraph } from '../compiler/ir/print-graph.ts'
import { printKernel } from '../compiler/ir/print-kernel.ts'
import { kernelsOf } from '../compiler/lowered.ts'
import { adapterClasses, moduleDevices } from '../compiler/modules.ts'
import { type Compilation, compile } from '../compiler/pipeline.ts'
import { parse } from '../grammar/parser.ts'
import { exitCodes, UsageError } from './failure.ts'
import { loadValidProgram, readSource } from './load.ts'
import type { Verb } from './options.ts'
import { selectModel, trainOf } from './select.ts'
import { terminal } from './terminal.ts'
import { writeModules } from './write-modules.ts'

const stages = ['ast', 'graph', 'simplified', 'kernels', 'plan', 'wgsl'] as const
type StageName = (typeof stages)[number]

export const compileVerb: Verb = (program, run) => {
  program
    .command('compile')
    .description('write the TypeScript modules of a file, or print a stage of a model')
    .argument('<file>')
    .option('-o, --output <dir>', 'the folder that modules are written to')
    .option('--emit <language>', 'ts, or js with declarations', 'ts')
    .option('--devices <list>', 'what the modules run on', moduleDevices.join(','))
    .option(
      '--adapters <list>',
      `with WebGPU, on which: ${adapterClasses.join(', ')} (default: gpu; without wasm, software too)`,
    )
    .option('--standalone', 'put a copy of the runtime beside the modules, which then need no package')
    .option(
      '--tuned [adapter]',
      'with the schedules that `dlmc tune` found, on the adapter of that name where it tuned several',
    )
    .option('--watch', 'write again whenever a .dlm file changes')
    .option('--quiet', 'say nothing but what is wrong')
    .option('--print <stage>', `one of ${stages.join(', ')}`)
    .option('--model <name>', 'the model, where the file has several')
    .option('--train <name>', 'the train block, where the file has several')
    .option('--entry <name>', 'only one entry: infer, evaluate, gradients or step')
    .option('--target <class>', 'what kernels are made for: gpu, cpu-class or wasm', 'gpu')
    .option('--verify', 'check every level between the passes')
    .action(
      (
        file: string,
        options: {
          print?: string
          output?: string
          emit: string
          devices: string
          adapters?: string
          standalone?: boolean
          tuned?: string | true
          watch?: boolean
          quiet?: boolean
          model?: string
          train?: string
          entry?: string
          target: 'gpu' | 'cpu-class' | 'wasm'
          verify?: boolean
        },
      ) =>
        run(async () => {
          if (options.print === undefined) {
            if (options.output === undefined)
              throw new UsageError('compile takes -o DIR for modules, or --print STAGE for text')
            return writeModules(file, { ...options, output: options.output })
          }
          const stage = stages.find((s) => s === options.print)
          if (!stage) throw new UsageError(`--print takes one of ${stages.join(', ')}; this is "${options.print}"`)
          const checked = loadValidProgram(file)
          if (stage === 'ast') {
            terminal.json(withoutSpans(parse(readSource(file)).file))
            return exitCodes.done
          }
          const name = selectModel(checked, options.model)
          const train = trainOf(checked, name, options.train)
          const args = train?.model.arguments
          const names = ['infer', ...(train ? (['evaluate', 'step'] as const) : [])] as const
          const entries = options.entry ? names.filter((n) => n === options.entry) : names
          const wanted = options.entry === 'gradients' ? (['gradients'] as const) : entries
          if (wanted.length === 0)
            throw new UsageError(`there is no entry "${options.entry}"; there are ${names.join(', ')}, gradients`)
          const compilation = compile(checked, {
            model: name,
            ...(args && { arguments: args }),
            ...(train && { train }),
            entries: wanted,
            target: options.target,
            verify: options.verify === true,
          })
          terminal.line(printStage(stage, compilation))
          return exitCodes.done
        }),
    )
}

function printStage(stage: Exclude<StageName, 'ast'>, { lowered, simplified, fused, program }: Compilation): string {
  switch (stage) {
    case 'graph':
      return lowered.entries.flatMap((e) => e.phases.map((p) => printGraph(p.graph))).join('\n\n')
    case 'simplified':
      return simplified.entries.flatMap((e) => e.phases.map((p) => printGraph(p.graph))).join('\n\n')
    case 'kernels':
      return fused
        .flatMap((e) => [`// ${e.name}`, ...e.phases.flatMap((p) => kernelsOf(p.segments).map((k) => printKernel(k)))])
        .join('\n\n')
    case 'plan':
      return JSON.stringify(
        {
          ...program,
          pipelines: program.pipelines.map(({ wgsl, ...rest }) => ({ ...rest, lines: wgsl.split('\n').length })),
        },
        null,
        2,
      )
    case 'wgsl':
      return program.pipelines
        .map((p, i) => `// ${p.name}\n${sourceComment(sourcesOf(program, i))}${p.wgsl}`)
        .join('\n\n')
    default:
      return stage satisfies never
  }
}

/** The source lines of every dispatch of a pipeline. */
const sourcesOf = ({ entries }: Compilation['program'], pipeline: number): string[] =>
  entries.flatMap(({ dispatches }) => dispatches.filter((d) => d.pipeline === pipeline).flatMap((d) => d.origins))

/** Spans refer back to the whole source: as JSON they become their offsets. */
function withoutSpans(tree: unknown): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value: unknown) =>
      key === 'span' || key === 'operatorSpan'
        ? [(value as { start: number }).start, (value as { end: number }).end]
        : value,
    ),
  )
}
