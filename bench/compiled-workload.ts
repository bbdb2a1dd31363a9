/** A workload → its program, compiled for a device: what `dlmc compile` would put in a module. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SelectedDevice } from '../cli/session.ts'
import { check } from '../compiler/1-check/index.ts'
import type { LoweredProgram } from '../compiler/lowered.ts'
import { compile } from '../compiler/pipeline.ts'
import type { CompiledProgram, ScheduleDescription } from '../runtime/abi.ts'
import { root } from './root.ts'
import { models, type Workload } from './workloads.ts'

export interface CompiledWorkload {
  readonly program: CompiledProgram
  readonly entry: 'infer' | 'step'
  /** Of a training. */
  readonly rate: ScheduleDescription | undefined
}

export function compileWorkload(
  workload: Workload,
  { target, subgroup }: Pick<SelectedDevice, 'target' | 'subgroup'>,
  { half = false }: { readonly half?: boolean } = {},
): CompiledWorkload & { readonly lowered: LoweredProgram } {
  const file = workload.kind === 'product' ? 'w6.dlm' : models[workload.model].file
  const path = join('bench', 'workloads', file)
  const checked = check({ path, text: readFileSync(join(root, path), 'utf8') })
  const written = workload.kind === 'train' ? checked.trains[0] : undefined
  const train = written && half ? { ...written, precision: 'mixed' as const } : written
  const entry = train ? 'step' : 'infer'
  const { program, simplified } = compile(checked, {
    model: checked.models.at(-1)!,
    ...(workload.kind === 'product' && { arguments: new Map([['n', workload.n]]) }),
    entries: [entry],
    ...(train && { train }),
    target,
    subgroup,
    half,
  })
  return { program, entry, rate: train?.optimizer.rate, lowered: simplified }
}
