/** A program and a device's name → an executor: the same plan runs on WebGPU or on the reference interpreter. */

import type { LoweredProgram } from '../compiler/lowered.ts'
import { type CompileOptions, compile } from '../compiler/pipeline.ts'
import type { Program } from '../compiler/program.ts'
import { openReference } from '../compiler/reference/executor.ts'
import type { CompiledProgram } from '../runtime/abi.ts'
import type { Target } from '../runtime/device.ts'
import type { DeviceDescription, Executor, OpenOptions } from '../runtime/executor.ts'
import { checkHalf } from '../runtime/half-check.ts'
import { type FoundDevice, findDevice } from '../runtime/node/devices.ts'
import { openSession } from '../runtime/session.ts'
import { asRecord } from './options.ts'
import { terminal } from './terminal.ts'

export interface SelectedDevice {
  readonly kind: 'gpu' | 'reference'
  readonly description: DeviceDescription
  readonly target: Target
  readonly found: FoundDevice
}

/** Finds the device; unless quiet, one line says which it is and how to get a faster one. */
export async function selectDevice(name: string, quiet: boolean): Promise<SelectedDevice> {
  const found = await findDevice(name)
  if (!quiet) {
    const { description, notice } = found
    terminal.error(`device: ${notice ?? description.name + (description.advice ? ` (${description.advice})` : '')}`)
  }
  return { kind: found.gpu ? 'gpu' : 'reference', description: found.description, target: found.target, found }
}

/** Whether a block that asks for mixed precision gets it on this device; where not, one line says why. */
export async function canMix(device: SelectedDevice, precision: 'float32' | 'mixed', quiet: boolean): Promise<boolean> {
  if (precision === 'float32') return false
  const { gpu } = device.found
  const fault = gpu ? await checkHalf(gpu.device) : 'absent'
  if (!fault) return true
  const why = fault === 'absent' ? 'has no 16-bit floats' : 'gets 16-bit floats wrong'
  if (!quiet) terminal.error(`precision: ${device.description.name} ${why}: training in float32`)
  return false
}

export async function openCompiled(
  program: CompiledProgram,
  device: SelectedDevice,
  options: OpenOptions,
  lowered?: LoweredProgram,
): Promise<Executor> {
  if (device.found.gpu) return openSession(program, device.found.gpu, options)
  if (!lowered) throw new Error('the reference interpreter needs the graphs')
  const precision = device.found.description.name.startsWith('reference') ? 'float64' : 'float32'
  return openReference(lowered, program, { ...options, precision, description: device.description })
}

export interface OpenProgram {
  readonly program: Program
  readonly compile: CompileOptions
  readonly device: string
  readonly quiet: boolean
  readonly dims: (compiled: CompiledProgram) => ReadonlyMap<string, number>
  readonly entries: readonly string[]
  readonly variants?: OpenOptions['variants']
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
    target: device.target,
    subgroup: device.found.gpu?.subgroup,
  })
  const dims = request.dims(program)
  const executor = await openCompiled(
    program,
    device,
    { dims: asRecord(dims), entries: request.entries, ...(request.variants && { variants: request.variants }) },
    simplified,
  )
  return { executor, dims, device }
}
