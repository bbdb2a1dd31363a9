/** Results go to stdout, progress and diagnostics to stderr; a reader that has gone away ends the program quietly. */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Streams that are in use: Node makes each when it is first asked for, and loads its network code for that. */
const used = new Set<NodeJS.WriteStream>()

function stream(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const made = process[name]
  if (used.has(made)) return made
  used.add(made)
  return made.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
  })
}

const wantsColor = (stream: NodeJS.WriteStream): boolean =>
  process.env['FORCE_COLOR'] !== undefined
    ? process.env['FORCE_COLOR'] !== '0'
    : stream.isTTY === true && !process.env['NO_COLOR']

export const terminal = {
  out: (text: string): void => void stream('stdout').write(text),
  err: (text: string): void => void stream('stderr').write(text),
  line: (text = ''): void => void stream('stdout').write(`${text}\n`),
  error: (text: string): void => void stream('stderr').write(`${text}\n`),
  json: (value: unknown): void => void stream('stdout').write(`${JSON.stringify(value, null, 2)}\n`),
  /** Styles text for stderr (where diagnostics go), plainly where colour is unwanted. */
  style: (style: string, text: string): string =>
    wantsColor(stream('stderr')) ? styleText(style as Style, text, { validateStream: false }) : text,
  styleOut: (style: string, text: string): string =>
    wantsColor(stream('stdout')) ? styleText(style as Style, text, { validateStream: false }) : text,
  interactive: (): boolean => stream('stderr').isTTY === true,
  width: (): number => stream('stderr').columns ?? 100,
  flushed: async (): Promise<void> => {
    await Promise.all([...used].map((each) => new Promise<void>((done) => each.write('', () => done()))))
  },
}
