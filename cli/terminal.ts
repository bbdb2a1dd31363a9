/** Results go to stdout, progress and diagnostics to stderr; a reader that has gone away ends the program quietly. */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
  })

const wantsColor = (stream: NodeJS.WriteStream): boolean =>
  process.env['FORCE_COLOR'] !== undefined
    ? process.env['FORCE_COLOR'] !== '0'
    : stream.isTTY === true && !process.env['NO_COLOR']

export const terminal = {
  out: (text: string): void => void process.stdout.write(text),
  err: (text: string): void => void process.stderr.write(text),
  line: (text = ''): void => void process.stdout.write(`${text}\n`),
  error: (text: string): void => void process.stderr.write(`${text}\n`),
  json: (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  /** Styles text for stderr (where diagnostics go), plainly where colour is unwanted. */
  style: (style: string, text: string): string =>
    wantsColor(process.stderr) ? styleText(style as Style, text, { validateStream: false }) : text,
  styleOut: (style: string, text: string): string =>
    wantsColor(process.stdout) ? styleText(style as Style, text, { validateStream: false }) : text,
  interactive: (): boolean => process.stderr.isTTY === true,
  width: (): number => process.stderr.columns ?? 100,
  flushed: async (): Promise<void> => {
    await Promise.all(
      [process.stdout, process.stderr].map((s) => new Promise<void>((done) => s.write('', () => done()))),
    )
  },
}
