/**
 * Subgroup matrices (tensor cores) in Dawn: a draft feature, which an adapter offers only to instances that allow what is
 * not safe for web pages yet. Programs that no one tuned need none of it, so instances allow nothing until asked to.
 */

/** The part of gpuweb's proposal (subgroup-matrix.md) that the types of WebGPU do not have yet. */
interface DraftInfo {
  readonly subgroupMatrixConfigs?: Iterable<{
    readonly componentType: string
    readonly resultComponentType: string
    readonly M: number
    readonly N: number
    readonly K: number
  }>
}

/** A product `M × K` times `K × N` of matrices, and the types of its operands and sums, such as `f16`. */
export interface MatrixSupport {
  readonly component: string
  readonly result: string
  readonly M: number
  readonly N: number
  readonly K: number
}

export const matrixFeature = 'chromium-experimental-subgroup-matrix'

let experiments = false
/** From here on, adapters are asked for with the features that browsers have only behind a flag. */
export function allowExperiments(): void {
  experiments = true
}
export const hasExperiments = (): boolean => experiments

/** The adapter, which opens devices with subgroup matrices where it has them. */
export function withMatrices(adapter: GPUAdapter): GPUAdapter {
  if (!adapter.features.has(matrixFeature)) return adapter
  return new Proxy(adapter, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (name !== 'requestDevice') return typeof value === 'function' ? value.bind(target) : value
      return (descriptor: GPUDeviceDescriptor = {}) =>
        target.requestDevice({
          ...descriptor,
          requiredFeatures: [...(descriptor.requiredFeatures ?? []), matrixFeature as GPUFeatureName],
        })
    },
  })
}

/** What an adapter or device says of itself; empty without the feature. */
export function matrixSupport(info: GPUAdapterInfo): MatrixSupport[] {
  return [...((info as DraftInfo).subgroupMatrixConfigs ?? [])].map(
    ({ componentType, resultComponentType, M, N, K }) => ({
      component: componentType,
      result: resultComponentType,
      M,
      N,
      K,
    }),
  )
}
