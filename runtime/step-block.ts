/** The values that vary from step to step, as one small upload: nothing of them is in a kernel's text. */
import type { CompiledProgram, StepField } from './abi.ts'
import type { StepValues } from './executor.ts'

export class StepBlock {
  private readonly fields: ReadonlyMap<string, StepField>
  private readonly block: DataView<ArrayBuffer>
  private given = false

  constructor(program: CompiledProgram) {
    this.fields = new Map(program.stepBlock.map((field) => [field.name, field]))
    this.block = new DataView(new ArrayBuffer(Math.max(0, ...program.stepBlock.map((f) => f.offset + 4))))
  }

  /**
   * The bytes to upload, where they changed. Fields that are not given keep their value, at first zero; values that this
   * program does not use are passed over.
   */
  set(values: StepValues): ArrayBuffer | undefined {
    let changed = !this.given
    for (const name in values) {
      const field = this.fields.get(name)
      if (!field) continue
      if (field.storage === 'u32') this.block.setUint32(field.offset, values[name]!, true)
      else this.block.setFloat32(field.offset, values[name]!, true)
      changed = true
    }
    this.given = true
    return changed && this.block.byteLength > 0 ? this.block.buffer : undefined
  }
}
