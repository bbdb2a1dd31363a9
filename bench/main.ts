/** `npm run bench`: dlm and its peers on the same workloads, the same adapter, in one run. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { table } from '../cli/table.ts'
import { contest, type Failure, type Row } from './contest.ts'
import { readOptions } from './options.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { peers } from './peers.ts'
import { record } from './reference.ts'
import { chart } from './report/chart.ts'
import { cells, columns, disturbance } from './report/columns.ts'
import { page } from './report/page.ts'
import { root } from './root.ts'
import { workloads } from './workloads.ts'

const options = readOptions(process.argv.slice(2)) ?? process.exit(2)
const tell = (line: string) => void process.stderr.write(`${line}\n`)
const wanted = workloads.filter(({ id }) => options.workloads.includes(id))

if (options.references) {
  for (const workload of wanted) if (workload.kind === 'train') await record(workload, 33, tell)
  process.exit(0)
}

const rows: Row[] = []
const failures: Failure[] = []
const missing = new Map(
  peers.filter(({ name }) => options.peers.includes(name)).map((peer) => [peer, peer.missing()] as const),
)
for (const [peer, reason] of missing) if (reason !== undefined) tell(`${peer.name} is left out: ${reason}`)

const folder = resolve(root, options.output)
mkdirSync(folder, { recursive: true })
for (const workload of wanted) {
  const taking = [...missing.keys()].filter(
    (peer) => missing.get(peer) === undefined && peer.can(workload, options.device),
  )
  const found = await contest({ workload, peers: taking, device: options.device, rounds: options.rounds, tell })
  rows.push(...found.rows)
  failures.push(...found.failures)
  write()
}
console.log(
  table(
    columns,
    rows.map((row) => cells(rows, row)),
  ),
)
const note = disturbance(rows)
if (note) console.log(`\n${note}`)
for (const { workload, peer, reason } of failures) console.log(`${workload}, ${peer}: ${reason}`)
console.log(`\n${join(options.output, `${options.device}.json`)}, ${join(options.output, `${options.device}.svg`)}`)
process.exit(failures.some(({ peer }) => peer === 'dlm') ? 1 : 0)

/** After each workload, so that what was measured stays when a later one is interrupted. */
function write(): void {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/webgpu/package.json'), 'utf8')) as {
    version: string
  }
  const outcome = outcomeOf(options.device, version, rows, failures)
  writeFileSync(join(folder, `${options.device}.json`), `${JSON.stringify(outcome, null, 1)}\n`)
  if (rows.length > 0) writeFileSync(join(folder, `${options.device}.svg`), chart(outcome))
  if (!options.results) return
  const outcomes = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Outcome)
  writeFileSync(join(root, 'bench', 'RESULTS.md'), page(outcomes))
}
