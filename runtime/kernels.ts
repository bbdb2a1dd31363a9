/**
 * The pipelines of a session: each distinct (text, constants, bindings' access) is compiled once, all at the same time.
 */
import type { Binding, CompiledProgram, DimValues, Pipeline } from './abi.ts'
import type { GpuDevice } from './device.ts'
import { DeviceError } from './errors.ts'
import { evaluate } from './size.ts'
import { shaderStageCompute } from './usage.ts'

const types = { r: 'read-only-storage', w: 'storage', u: 'uniform' } as const

export class Kernels {
  private readonly device: GpuDevice
  private readonly program: CompiledProgram
  private readonly modules = new Map<string, GPUShaderModule>()
  private readonly layouts = new Map<string, GPUBindGroupLayout>()
  private readonly wanted = new Map<string, { pipeline: Pipeline; constants: Record<string, number>; layout: string }>()
  private readonly made = new Map<string, GPUComputePipeline>()

  constructor(device: GpuDevice, program: CompiledProgram) {
    this.device = device
    this.program = program
  }

  /** Asks for a pipeline and returns the key under which it will be there after `compile`. */
  want(index: number, bindings: readonly Binding[], dims: DimValues): string {
    const pipeline = this.program.pipelines[index]!
    const constants = Object.fromEntries(
      Object.entries(pipeline.constants).map(([name, size]) => [name, evaluate(size, dims)]),
    )
    const layout = bindings.map((b) => b.access[0]).join('')
    const key = `${layout}\0${JSON.stringify(constants)}\0${pipeline.wgsl}`
    if (!this.wanted.has(key)) this.wanted.set(key, { pipeline, constants, layout })
    return key
  }

  async compile(onProgress: (done: number, total: number, what: string) => void): Promise<void> {
    let done = 0
    const total = this.wanted.size
    await Promise.all(
      [...this.wanted].map(async ([key, { pipeline, constants, layout }]) => {
        this.made.set(key, await this.create(pipeline, constants, layout))
        onProgress(++done, total, pipeline.name)
      }),
    )
  }

  pipeline(key: string): GPUComputePipeline {
    return this.made.get(key)!
  }

  /** One layout per sequence of accesses: `rruw`. */
  layout(accesses: string): GPUBindGroupLayout {
    const known = this.layouts.get(accesses)
    if (known) return known
    const made = this.device.device.createBindGroupLayout({
      entries: [...accesses].map((access, binding) => ({
        binding,
        visibility: shaderStageCompute,
        buffer: { type: types[access as keyof typeof types] },
      })),
    })
    this.layouts.set(accesses, made)
    return made
  }

  private async create(
    pipeline: Pipeline,
    constants: Record<string, number>,
    accesses: string,
  ): Promise<GPUComputePipeline> {
    const { device } = this.device
    let module = this.modules.get(pipeline.wgsl)
    let fault: Promise<GPUError | null> | undefined
    if (!module) {
      device.pushErrorScope('validation')
      module = device.createShaderModule({ label: pipeline.name, code: pipeline.wgsl })
      fault = device.popErrorScope()
      this.modules.set(pipeline.wgsl, module)
    }
    const layout = device.createPipelineLayout({ bindGroupLayouts: [this.layout(accesses)] })
    try {
      return await device.createComputePipelineAsync({ label: pipeline.name, layout, compute: { module, constants } })
    } catch (cause) {
      this.device.check()
      const { messages } = await module.getCompilationInfo()
      const lines = messages.map((m) => `\n  ${m.lineNum}:${m.linePos} ${m.message}`).join('')
      throw new DeviceError(`the kernel ${pipeline.name} does not compile: ${String(cause)}${lines}`, undefined, {
        cause,
      })
    } finally {
      await fault
    }
  }
}
