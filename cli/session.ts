/** A program and a device's name → an executor: on WebGPU, on WebAssembly, or on the reference interpreter. */

import type { LoweredProgram } from '../compiler/lowered.ts'
import { type CompileOptions, compile } from '../compiler/pipeline.ts'
import type { Program } from '../compiler/program.ts'
import { openReference } from '../compiler/reference/executor.ts'
import type { CompiledProgram } from '../runtime/abi.ts'
import { type Device, isGpu, type Target } from '../runtime/device.ts'
import type { DeviceDescription, Executor, OpenOptions } from '../runtime/executor.ts'
import { checkHalf } from '../runtime/half-check.ts'
import { findDevice } from '../runtime/node/devices.ts'
import { allowExperiments } from '../runtime/node/matrices.ts'
import { providePlatform } from '../runtime/node/platform.ts'
import { asRecord } from './options.ts'
import { terminal } from './terminal.ts'
import { needsExperiments, scheduleChoice } from './tune/winners.ts'

export interface SelectedDevice {
  readonly description: DeviceDescription
  readonly target: Target
  /** Lanes of its subgroups, where that is one fixed number. */
  readonly subgroup: number | undefined
  /** Absent for the reference interpreter. */
  readonly device: Device | undefined
}

/** Finds the device; unless quiet, one line says which it is and how to get a faster one. */
export async function selectDevice(name: string, quiet: boolean): Promise<SelectedDevice> {
  providePlatform()
  if (needsExperiments()) allowExperiments()
  const { description, target, device, notice } = await findDevice(name)
  if (!quiet)
    terminal.error(`device: ${notice ?? description.name + (description.advice ? ` (${description.advice})` : '')}`)
  return { description, target, subgroup: device?.subgroup, device }
}

/** How programs are compiled for a device: with the schedules that `dlmc tune` found on it, where it did. */
export const compilationFor = ({ target, subgroup, device }: SelectedDevice) => ({
  target,
  subgroup,
  schedules: scheduleChoice(device),
})

/** Whether a block that asks for mixed precision gets it on this device; where not, one line says why. */
export async function canMix(device: SelectedDevice, precision: 'float32' | 'mixed', quiet: boolean): Promise<boolean> {
  if (precision === 'float32') return false
  const fault = device.device && isGpu(device.device) ? await checkHalf(device.device.device) : 'absent'
  if (!fault) return true
  const why = fault === 'absent' ? 'has no 16-bit floats' : 'gets 16-bit floats wrong'
  if (!quiet) terminal.error(`precision: ${device.description.name} ${why}: training in float32`)
  return false
}

export async function openCompiled(
  program: CompiledProgram,
  { device, description }: SelectedDevice,
  options: OpenOptions,
  lowered?: LoweredProgram,
): Promise<Executor> {
  if (device) return device.open(program, options)
  if (!lowered) throw new Error('the reference interpreter needs the graphs')
  return openReference(lowered, program, { ...options, precision: 'float64', description })
}

export interface OpenProgram {
  readonly program: Program
  readonly compile: CompileOptions
  readonly device: string
  readonly quiet: boolean
  readonly dims: (compiled: CompiledProgram) => ReadonlyMap<string, number>
  readonly entries: readonly string[]
  /** Further bindings of the dims that the session is opened for. */
  readonly variants?: (compiled: CompiledProgram, dims: Readonly<Record<string, number>>) => OpenOptions['variants']
}

export interface OpenedProgram {
  readonly executor: Executor
  readonly dims: ReadonlyMap<string, number>
  readonly device: SelectedDevice
}

export async function openProgram(request: OpenProgram): Promise<OpenedProgram> {
  const device = await selectDevice(request.device, request.quiet)
  const { program, simplified } = compile(request.program, {
    ...request.compile,
    ...compilationFor(device),
  })
  const dims = request.dims(program)
  const variants = request.variants?.(program, asRecord(dims))
  const executor = await openCompiled(
    program,
    device,
    {
      dims: asRecord(dims),
      entries: request.entries.filter((name) => program.entries.some((e) => e.name === name)),
      ...(variants && { variants }),
    },
    simplified,
  )
  return { executor, dims, device }
}
