/** Runs on one or several devices → `bench/RESULTS.md`. */
import type { Row } from '../contest.ts'
import type { Outcome } from '../outcome.ts'
import { cells, columns, disturbance } from './columns.ts'

export function page(outcomes: readonly Outcome[]): string {
  return [
    '# Figures',
    '',
    'Written by `npm run bench -- --write` from what it measured; [README.md](README.md) says what the workloads are and how it measures.',
    '"× dlm" is how many times as long as dlm a peer takes. The first step includes the model, all compilation and the step itself, with an',
    "empty shader cache. Dispatches and new buffers are those of one run, counted at WebGPU's interface.",
    ...outcomes.flatMap(section),
    '',
  ].join('\n')
}

function section(outcome: Outcome): string[] {
  const { rows, failures, machine, date, device } = outcome
  const adapters = [...new Set(rows.map((row) => `${row.adapter} (${row.peer})`))]
  const note = disturbance(rows)
  return [
    '',
    `## ${device}`,
    '',
    `${date.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.system}; Node ${outcome.node}, Dawn of \`webgpu\` ${outcome.webgpu}.`,
    `Adapters: ${adapters.join('; ')}.`,
    ...compilerLine(rows),
    ...(note ? ['', `Note: ${note}.`] : []),
    '',
    `| ${columns.map((c) => c.title).join(' | ')} |`,
    `| ${columns.map((c) => (c.align === 'left' ? '---' : '---:')).join(' | ')} |`,
    ...rows.map((row) => `| ${cells(rows, row).join(' | ')} |`),
    ...(failures.length > 0
      ? ['', ...failures.map(({ workload, peer, reason }) => `- ${workload}, ${peer}: ${reason}`)]
      : []),
  ]
}

/** What peak memory leaves out: a build step's process has ended before the program's begins to work. */
function compilerLine(rows: readonly Row[]): string[] {
  const peaks = rows.flatMap(({ facts }) =>
    typeof facts['compilerPeakBytes'] === 'number' ? facts['compilerPeakBytes'] : [],
  )
  if (peaks.length === 0) return []
  const most = Math.round(Math.max(...peaks) / 2 ** 20)
  return [`dlm compiles ahead, in a process that has ended before the session opens; it held at most ${most} MiB.`]
}
