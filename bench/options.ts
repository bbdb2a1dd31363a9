/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util'
import { peerNames } from './peers.ts'
import { workloads } from './workloads.ts'

export interface Options {
  readonly workloads: readonly string[]
  readonly peers: readonly string[]
  readonly device: string
  readonly rounds: number
  readonly output: string
  readonly results: boolean
  readonly references: boolean
}

export const usage = `npm run bench -- [options]
  --workloads W1,W3    which of ${workloads.map((w) => w.id).join(', ')}; W5 and W6 mean all of theirs
  --peers dlm,tfjs     which of ${peerNames.join(', ')}
  --device NAME        lavapipe (unless given), gpu, swiftshader, or wasm
  --rounds 3           how often each peer has its turn
  --output DIR         where results.json and results.svg go (bench/results)
  --write              also writes bench/RESULTS.md
  --references         computes the losses that all must reach, in float64, which takes half an hour`

/** Says what is wrong, or what there is where help is asked for, and gives nothing then. */
export function readOptions(argv: readonly string[]): Options | undefined {
  const read = parse(argv)
  if (typeof read !== 'string') return read
  console.error(read)
  return undefined
}

function parse(argv: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        workloads: { type: 'string', default: 'W1,W2,W3,W4,W5,W6' },
        peers: { type: 'string', default: peerNames.join(',') },
        device: { type: 'string', default: 'lavapipe' },
        rounds: { type: 'string', default: '3' },
        output: { type: 'string', default: 'bench/results' },
        write: { type: 'boolean', default: false },
        references: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return usage
    const rounds = Number(values.rounds)
    if (!Number.isInteger(rounds) || rounds < 1) return `--rounds takes a number from 1 on; this is "${values.rounds}"`
    const wanted = values.workloads.split(',').flatMap((name) => {
      const found = workloads.filter(({ id }) => id === name || id.startsWith(`${name}-`))
      return found.length > 0 ? found.map(({ id }) => id) : [undefined, name]
    })
    const at = wanted.indexOf(undefined)
    if (at >= 0) return `there is no workload "${wanted[at + 1]}"\n${usage}`
    const peers = values.peers.split(',')
    const unknown = peers.find((peer) => !peerNames.includes(peer))
    if (unknown !== undefined) return `there is no peer "${unknown}"\n${usage}`
    return {
      workloads: wanted as string[],
      peers,
      device: values.device,
      rounds,
      output: values.output,
      results: values.write,
      references: values.references,
    }
  } catch (error) {
    return `${(error as Error).message}\n${usage}`
  }
}
