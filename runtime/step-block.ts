/** The values that vary from step to step, as one small upload: nothing of them is in a kernel's text. */
import type { CompiledProgram } from './abi.ts'
import type { StepValues } from './executor.ts'

/**
 * What it returns takes values and gives the bytes to upload, where they changed. Fields that are not given keep their value,
 * at first zero; values that this program does not use are passed over.
 */
export function stepBlock({ stepBlock: fields }: CompiledProgram): (values: StepValues) => ArrayBuffer | undefined {
  const known = new Map(fields.map((field) => [field.name, field]))
  const block = new DataView(new ArrayBuffer(Math.max(0, ...fields.map((f) => f.offset + 4))))
  let changed = block.byteLength > 0
  return (values) => {
    for (const name in values) {
      const field = known.get(name)
      if (!field) continue
      if (field.storage === 'u32') block.setUint32(field.offset, values[name]!, true)
      else block.setFloat32(field.offset, values[name]!, true)
      changed = true
    }
    const upload = changed ? block.buffer : undefined
    changed = false
    return upload
  }
}
