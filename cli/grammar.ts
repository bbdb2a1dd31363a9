/** `dlmc grammar`: the grammar of the language, as the parser itself states it. */
import { grammarText } from '../grammar/reference.ts'
import { exitCodes } from './failure.ts'
import type { Verb } from './options.ts'
import { terminal } from './terminal.ts'

export const grammarVerb: Verb = (program, run) => {
  program
    .command('grammar')
    .description('print the grammar of .dlm')
    .action(() =>
      run(async () => {
        terminal.line(grammarText())
        return exitCodes.done
      }),
    )
}
