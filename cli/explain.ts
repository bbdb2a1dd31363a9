/** `dlmc explain DLM0312`: the page of a diagnostic. */
import { explain } from '../compiler/diagnostics/explain.ts'
import { exitCodes, UsageError } from './failure.ts'
import type { Verb } from './options.ts'
import { terminal } from './terminal.ts'

export const explainVerb: Verb = (program, run) => {
  program
    .command('explain')
    .description('explain a diagnostic, with a wrong and a right example')
    .argument('<code>', 'such as DLM0312')
    .action((code: string) =>
      run(async () => {
        const page = explain(code)
        if (page === undefined) throw new UsageError(`there is no diagnostic ${code}; codes look like DLM0312`)
        terminal.line(page)
        return exitCodes.done
      }),
    )
}
