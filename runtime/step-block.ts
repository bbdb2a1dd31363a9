/** The values that vary from step to step, as one small upload: nothing of them is in a kernel's text. */
import type { CompiledProgram, StepField } from './abi.ts'
import type { StepValues } from './executor.ts'
import type { SessionMemory } from './memory.ts'

export class StepBlock {
  private readonly fields: ReadonlyMap<string, StepField>
  private readonly buffer: GPUBuffer | undefined
  private readonly block: DataView<ArrayBuffer>
  private uploaded = false

  constructor(program: CompiledProgram, memory: SessionMemory) {
    this.fields = new Map(program.stepBlock.map((field) => [field.name, field]))
    this.buffer = memory.arenas[program.arenas.findIndex((arena) => arena.role === 'step')]
    this.block = new DataView(new ArrayBuffer(Math.max(0, ...program.stepBlock.map((f) => f.offset + 4))))
  }

  /** Fields that are not given keep their value, at first zero; values that this program does not use are passed over. */
  upload(queue: GPUQueue, values: StepValues): void {
    let changed = !this.uploaded
    for (const [name, value] of Object.entries(values)) {
      const field = this.fields.get(name)
      if (!field) continue
      if (field.storage === 'u32') this.block.setUint32(field.offset, value, true)
      else this.block.setFloat32(field.offset, value, true)
      changed = true
    }
    if (!changed || !this.buffer || this.block.byteLength === 0) return
    this.uploaded = true
    queue.writeBuffer(this.buffer, 0, this.block.buffer)
  }
}
