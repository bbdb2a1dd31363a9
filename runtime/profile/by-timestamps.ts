/**
 * A session whose dispatches each have a pass of their own with a timestamp before it and one after it: the device's own
 * times, without what the host needs. A pass of its own costs a little, so that the sum may be more than a step takes.
 */
import type { CompiledProgram, Dispatch } from '../abi.ts'
import type { Command } from '../commands.ts'
import type { GpuDevice } from '../device.ts'
import type { OpenOptions } from '../executor.ts'
import { openSession } from '../session.ts'
import { bufferUsage, mapModeRead } from '../usage.ts'
import type { Timer } from './timing.ts'

/** WebGPU allows this many timestamps in a set (§20.1). */
const perSet = 4096
const queryResolve = 0x200

export const hasTimestamps = ({ device }: GpuDevice): boolean => device.features.has('timestamp-query')

/** `options.entries` has the one entry that is timed. */
export async function openByTimestamps(program: CompiledProgram, gpu: GpuDevice, options: OpenOptions): Promise<Timer> {
  const { device } = gpu
  const [entry] = options.entries as readonly [string]
  const { dispatches } = program.entries.find(({ name }) => name === entry)!
  let stamps: Stamps | undefined
  const executor = await openSession(program, gpu, options, (encoder, commands) => {
    stamps ??= makeStamps(device, commands)
    stamps.encode(encoder)
  })
  return {
    executor,
    async time(values) {
      await executor.run(entry, values)
      const times = await stamps!.read()
      return dispatches.map((dispatch) => ({ dispatch, milliseconds: times.get(dispatch) ?? 0 }))
    },
  }
}

interface Stamps {
  encode(encoder: GPUCommandEncoder): void
  /** Milliseconds by dispatch. */
  read(): Promise<ReadonlyMap<Dispatch, number>>
}

function makeStamps(device: GPUDevice, commands: readonly Command[]): Stamps {
  const count = 2 * commands.length
  const sets = Array.from({ length: Math.ceil(count / perSet) }, (_, i) =>
    device.createQuerySet({ type: 'timestamp', count: Math.min(perSet, count - i * perSet) }),
  )
  const size = Math.max(16, 8 * count)
  const resolved = device.createBuffer({ size, usage: queryResolve | bufferUsage.copySource })
  const back = device.createBuffer({ size, usage: bufferUsage.mapRead | bufferUsage.copyTarget })
  return {
    encode(encoder) {
      commands.forEach(({ pipeline, bindings, workgroups }, index) => {
        const first = (2 * index) % perSet
        const pass = encoder.beginComputePass({
          timestampWrites: {
            querySet: sets[Math.floor((2 * index) / perSet)]!,
            beginningOfPassWriteIndex: first,
            endOfPassWriteIndex: first + 1,
          },
        })
        pass.setPipeline(pipeline)
        pass.setBindGroup(0, bindings)
        pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2])
        pass.end()
      })
      for (const [i, set] of sets.entries()) encoder.resolveQuerySet(set, 0, set.count, resolved, 8 * i * perSet)
      encoder.copyBufferToBuffer(resolved, 0, back, 0, size)
    },
    async read() {
      await back.mapAsync(mapModeRead)
      const stamps = new BigUint64Array(back.getMappedRange())
      const times = new Map<Dispatch, number>()
      commands.forEach(({ dispatch }, index) => {
        const nanoseconds = Number(stamps[2 * index + 1]! - stamps[2 * index]!)
        times.set(dispatch, (times.get(dispatch) ?? 0) + nanoseconds / 1e6)
      })
      back.unmap()
      return times
    },
  }
}
