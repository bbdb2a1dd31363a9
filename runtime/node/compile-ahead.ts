/**
 * A driver in software compiles a kernel when it is first dispatched, on its queue's one thread, and keeps the code for
 * other devices too (Mesa's shader cache). Before → after: a session whose first run waits for kernel after kernel → one
 * that opens with all kernels dispatched once, without workgroups, on the queues of as many devices as there are cores.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CompiledProgram, DimValues, Dispatch } from '../abi.ts'
import { prepare } from '../commands.ts'
import { type GpuDevice, openDevice } from '../device.ts'
import type { OpenOptions } from '../executor.ts'
import { variantsOf } from '../fit.ts'
import { Kernels } from '../kernels.ts'
import { bufferUsage, mapModeRead } from '../usage.ts'
import { destroyedAtExit } from './ending.ts'
import { coreCount } from './threads.ts'

/**
 * The device, with sessions that open with their kernels compiled. `another` gives its adapter once more. Only speed
 * depends on it: a driver that keeps nothing compiles a helper's share again, as late as it would have anyway.
 */
export function compilingAhead(device: GpuDevice, another: () => Promise<GPUAdapter | null>): GpuDevice {
  return {
    ...device,
    async open(program, options) {
      const executor = await device.open(program, options)
      // The first run compiles what is missing, and tells what is wrong with the device.
      await compileAhead(device, another, program, options).catch(() => undefined)
      return executor
    },
  }
}

/** A kernel, the dispatch that asked for it and the dims under which it did. */
interface Wanted {
  readonly key: string
  readonly dispatch: Dispatch
  readonly dims: DimValues
  readonly weight: number
}

/** Beyond this many queues, memory for compilers and devices is worth more. */
const mostQueues = 4

/** Every kernel takes the driver as long as this many letters of text; until a helper's first one, there pass as many more. */
const kernelWeight = 4000
const helperWeight = 20_000

/** Where the longest kernel is there within these milliseconds, the others are, or they are not worth another device. */
const patience = 40

async function compileAhead(
  device: GpuDevice,
  another: () => Promise<GPUAdapter | null>,
  program: CompiledProgram,
  options: OpenOptions,
): Promise<void> {
  // Dawn knows equal pipelines: these are the session's.
  const kernels = new Kernels(device, program)
  const wanted = wantedBy(program, options, device, kernels)
  const [[longest, ...rest] = [], ...others] = share(wanted, Math.min(coreCount(), mostQueues))
  if (!longest || others.length === 0) return
  await kernels.compile(() => undefined)
  const probe = rehearse(device, kernels, [longest])
  if (await isOver(probe, patience)) return
  probe.destroy()
  const own = rehearse(device, kernels, rest)
  const helpers = others.map((share) => helped(another, program, share).catch(() => undefined))
  await Promise.all([ended(device, own), ...helpers])
}

/** The kernels of all runs, each once, those with the longest text first. */
function wantedBy(program: CompiledProgram, options: OpenOptions, device: GpuDevice, kernels: Kernels): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const { entry, dims } of variantsOf(options))
    for (const { key, dispatch } of prepare(
      program,
      program.entries.find(({ name }) => name === entry)!,
      dims,
      device,
      kernels,
    ))
      wanted.set(key, { key, dispatch, dims, weight: kernelWeight + program.pipelines[dispatch.pipeline]!.wgsl.length })
  return [...wanted.values()].sort((a, b) => b.weight - a.weight)
}

/** The longest first, each to who has least to do; helpers without a share are left out. */
function share(wanted: readonly Wanted[], queues: number): Wanted[][] {
  const shares = Array.from({ length: queues }, (_, i) => ({
    load: i === 0 ? 0 : helperWeight,
    kernels: [] as Wanted[],
  }))
  for (const kernel of wanted) {
    const least = shares.reduce((a, b) => (b.load < a.load ? b : a))
    least.kernels.push(kernel)
    least.load += kernel.weight
  }
  return shares.map(({ kernels }) => kernels).filter((kernels) => kernels.length > 0)
}

async function helped(
  another: () => Promise<GPUAdapter | null>,
  program: CompiledProgram,
  share: readonly Wanted[],
): Promise<void> {
  const adapter = await another()
  if (!adapter) return
  const helper = destroyedAtExit(await openDevice(adapter))
  try {
    const kernels = new Kernels(helper, program)
    for (const { dispatch, dims } of share) kernels.want(dispatch.pipeline, dispatch.bindings, dims)
    await kernels.compile(() => undefined)
    await ended(helper, rehearse(helper, kernels, share))
  } finally {
    helper.dispose()
  }
}

const indirect = 0x100

/**
 * Dispatches kernels without workgroups, and returns a fence that can be mapped when all are compiled. The number of
 * workgroups is read from a buffer, since Dawn would complain of a plain zero.
 */
function rehearse({ device }: GpuDevice, kernels: Kernels, wanted: readonly Wanted[]): GPUBuffer {
  const slot = device.limits.minStorageBufferOffsetAlignment
  const slots = Math.max(1, ...wanted.map(({ dispatch }) => dispatch.bindings.length))
  const zeros = device.createBuffer({ size: slot, usage: bufferUsage.storage | indirect })
  const written = device.createBuffer({ size: slot * slots, usage: bufferUsage.storage })
  const fence = device.createBuffer({ size: 4, usage: bufferUsage.mapRead | bufferUsage.copyTarget })
  // Were anything amiss here, the session's own runs would tell.
  device.pushErrorScope('validation')
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  for (const { key, dispatch } of wanted) {
    const accesses = dispatch.bindings.map(({ access }) => access[0]).join('')
    pass.setPipeline(kernels.pipeline(key))
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: kernels.layout(accesses),
        entries: [...accesses].map((access, binding) => ({
          binding,
          resource: access !== 'w' ? { buffer: zeros } : { buffer: written, offset: slot * binding, size: slot },
        })),
      }),
    )
    pass.dispatchWorkgroupsIndirect(zeros, 0)
  }
  pass.end()
  encoder.clearBuffer(fence)
  device.queue.submit([encoder.finish()])
  void device.popErrorScope().catch(() => undefined)
  // What the device still reads is kept until it has been read.
  zeros.destroy()
  written.destroy()
  return fence
}

/** Under Dawn in Node, waiting polls and takes most of a core from the compiler: it is asked now and then, briefly. */
async function ended(device: GpuDevice, fence: GPUBuffer): Promise<void> {
  const begun = performance.now()
  while (!(await isOver(fence, 2))) {
    device.check()
    await sleep(Math.max(5, (performance.now() - begun) / 20))
  }
}

/** Whether a fence can be mapped within some milliseconds; then it is gone. */
async function isOver(fence: GPUBuffer, milliseconds: number): Promise<boolean> {
  const timer = setTimeout(() => fence.unmap(), milliseconds)
  try {
    await fence.mapAsync(mapModeRead)
    fence.destroy()
    return true
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
