/** `dlmc inspect FILE`: the table of layers, totals, the certified footprint, and every dispatch with its source lines. */
import { type InspectReport, inspect, type PartReport } from '../compiler/inspect.ts'
import type { Compilation } from '../compiler/pipeline.ts'
import { exitCodes } from './failure.ts'
import { loadValidProgram } from './load.ts'
import { compileWithin, memoryOption, parseMemory } from './memory.ts'
import { asRecord, collect, parseDims, type Verb } from './options.ts'
import { completeDims, selectModel, trainOf } from './select.ts'
import { integer, megabytes, quantity, table } from './table.ts'
import { terminal } from './terminal.ts'

interface Options {
  readonly model?: string
  readonly train?: string
  readonly dims?: string[]
  readonly memory?: string
  readonly json?: boolean
  readonly dispatches?: boolean
  readonly target: 'gpu' | 'cpu-class'
}

export const inspectVerb: Verb = (program, run) => {
  program
    .command('inspect')
    .description('layers, parameters, costs, exact memory, and the dispatches with the lines that made them')
    .argument('<file>')
    .option('--model <name>', 'the model, where the file has several')
    .option('--train <name>', 'the train block whose step is shown')
    .option('--dims <name=number>', 'values of free dims, such as batch=32', collect)
    .option(...memoryOption)
    .option('--no-dispatches', 'leave the list of dispatches out')
    .option('--target <class>', 'class of adapter: gpu or cpu-class', 'gpu')
    .option('--json', 'the report as JSON')
    .action((file: string, options: Options) =>
      run(async () => {
        const checked = loadValidProgram(file)
        const name = selectModel(checked, options.model)
        const train = trainOf(checked, name, options.train)
        const args = train?.model.arguments
        const model = checked.model(name, { training: false, ...(args && { arguments: args }) })
        const trains = train !== undefined && model.loss !== undefined
        const budget = options.memory === undefined ? undefined : parseMemory(options.memory)
        const dimsOf = ({ program }: Compilation) =>
          asRecord(completeDims(program.dims, parseDims(options.dims), train))
        const compilation = compileWithin(
          budget,
          checked,
          {
            model: name,
            ...(args && { arguments: args }),
            entries: trains ? ['infer', 'evaluate', 'step'] : ['infer'],
            ...(train && { train }),
            target: options.target,
            half: true,
          },
          dimsOf,
          (line) => terminal.error(line),
        )
        const report = inspect(model, compilation.program, dimsOf(compilation))
        if (options.json) terminal.json(report)
        else terminal.line(print(report, options.dispatches !== false))
        return exitCodes.done
      }),
    )
}

function print(report: InspectReport, withDispatches: boolean): string {
  const parts = [`model ${report.model}`]
  if (report.documentation)
    parts.push(
      report.documentation
        .split('\n')
        .map((l) => `  ${l}`)
        .join('\n'),
    )
  parts.push('', layerTable(report), '', totals(report), '', footprint('inference', report.inference, report))
  if (report.training) parts.push('', footprint('training', report.training, report))
  if (withDispatches) parts.push(...report.entries.flatMap((entry) => ['', dispatchTable(entry)]))
  return parts.join('\n')
}

function layerTable(report: InspectReport): string {
  const shape = (row: InspectReport['layers'][number]) =>
    row.sizes.map((s) => `[${s.join(', ')}]`).join(' ') || row.shapes.join(' ')
  return table(
    [
      { title: 'Layer', align: 'left' },
      { title: 'Output Shape', align: 'left' },
      { title: 'Param #', align: 'right' },
      { title: 'Mult-Adds', align: 'right' },
      { title: 'FLOPs', align: 'right' },
      { title: 'Output', align: 'right' },
    ],
    report.layers.map((row) => [
      `${'  '.repeat(row.depth)}${row.path} (${row.kind})`,
      shape(row),
      row.parameters === 0 ? '--' : integer(row.parameters),
      row.multiplyAdds === 0 ? '--' : integer(row.multiplyAdds),
      integer(row.flops),
      megabytes(row.outputBytes),
    ]),
  )
}

function totals({ parameters, dims }: InspectReport): string {
  const bound = Object.entries(dims).map(([name, value]) => `${name} = ${value}`)
  return [
    `Total params: ${integer(parameters.total)}`,
    `Trainable params: ${integer(parameters.trainable)}`,
    `Non-trainable params: ${integer(parameters.total - parameters.trainable)}`,
    `Params size: ${megabytes(parameters.bytes)}`,
    ...(bound.length > 0 ? [`Dims: ${bound.join(', ')}`] : []),
  ].join('\n')
}

function footprint(title: string, part: PartReport, report: InspectReport): string {
  const rows = part.arenas.map((a) => [a.name, integer(a.bytes), a.formula])
  rows.push(['staging', integer(part.stagingBytes), ''], ['total', integer(part.bytes), ''])
  const head = `${title}: ${integer(part.bytes)} bytes certified (${megabytes(part.bytes)}), largest binding ${integer(part.largestBinding)} bytes`
  const work = `${part.dispatches} dispatches a run, ${part.pipelines} pipelines, ${quantity(part.flops, 'FLOP')}, ${quantity(part.bytesMoved, 'B')} moved`
  const columns = [
    { title: 'Buffer', align: 'left' },
    { title: 'Bytes', align: 'right' },
    {
      title: Object.keys(report.dims).length > 0 ? `in terms of ${Object.keys(report.dims).join(', ')}` : '',
      align: 'left',
    },
  ] as const
  return `${head}\n${work}\n${table(columns, rows)}`
}

/** How each recurrence runs, and why one that is a loop is not one kernel. */
function recurrenceLines({ recurrences }: InspectReport['entries'][number]): string[] {
  return recurrences.map(({ turns, kernels, dispatches, origins, stop }) => {
    const where = origins.length > 0 ? `recurrence of ${origins[0]}` : 'recurrence'
    const count = dispatches === 1 ? '1 dispatch' : `${integer(dispatches)} dispatches`
    if (stop === undefined) return `${where}: ${integer(turns)} steps in one kernel, ${count}`
    const loop = kernels === 1 ? '1 kernel a step' : `${kernels} kernels a step`
    return `${where}: ${integer(turns)} steps as a loop, ${loop}, ${count}, because ${stop}`
  })
}

function dispatchTable(entry: InspectReport['entries'][number]): string {
  const { name, dispatches } = entry
  const runs = dispatches.reduce((sum, d) => sum + d.repeats, 0)
  const looped = dispatches.some((d) => d.repeats !== 1)
  const rows = dispatches.map((d, i) => [
    String(i + 1),
    looped ? `${d.label}${d.repeats === 1 ? '' : ` × ${integer(d.repeats)}`}` : d.label,
    quantity(d.flops, 'FLOP'),
    quantity(d.bytesMoved, 'B'),
    d.origins.slice(0, 4).join(' ') + (d.origins.length > 4 ? ` +${d.origins.length - 4}` : ''),
    d.stops.join('; '),
  ])
  const columns = [
    { title: '#', align: 'right' },
    { title: 'Kernel', align: 'left' },
    { title: 'FLOPs', align: 'right' },
    { title: 'Bytes', align: 'right' },
    { title: 'Source', align: 'left' },
    { title: 'Fusion stopped because', align: 'left' },
  ] as const
  return [`${name}: ${integer(runs)} dispatches`, ...recurrenceLines(entry), table(columns, rows)].join('\n')
}
