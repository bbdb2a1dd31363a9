/** `dlmc fmt FILE…`: rewrites files in the one format, or with `--check` says which differ. */
import { writeFileSync } from 'node:fs'
import { syntaxDiagnostics } from '../compiler/diagnostics/syntax.ts'
import { format } from '../grammar/format.ts'
import { parse } from '../grammar/parser.ts'
import { exitCodes, show } from './failure.ts'
import { errorsOf, readSource } from './load.ts'
import type { Verb } from './options.ts'
import { terminal } from './terminal.ts'

export const formatVerb: Verb = (program, run) => {
  program
    .command('fmt')
    .description('format files; comments stay where they are')
    .argument('<file...>')
    .option('--check', 'change nothing; exit 1 where a file is not formatted')
    .option('--stdout', 'print instead of writing')
    .action((files: string[], options: { check?: boolean; stdout?: boolean }) =>
      run(async () => {
        let code: number = exitCodes.done
        for (const file of files) {
          const source = readSource(file)
          const diagnostics = syntaxDiagnostics(parse(source).faults)
          if (errorsOf(diagnostics).length > 0) {
            show(diagnostics)
            code = exitCodes.wrong
            continue
          }
          const formatted = format(source)
          if (options.stdout) terminal.out(formatted)
          else if (formatted !== source.text) {
            if (options.check) code = exitCodes.wrong
            else writeFileSync(file, formatted)
            terminal.error(`${file}: ${options.check ? 'not formatted' : 'formatted'}`)
          }
        }
        return code
      }),
    )
}
