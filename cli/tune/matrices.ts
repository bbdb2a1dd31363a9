/** A device → what schedules by matrices may count on; undefined where it multiplies none. */
import type { Matrices } from '../../compiler/7-emit/wgsl/schedule.ts'
import { matrixFeature, matrixSupport } from '../../runtime/node/matrices.ts'

export function matricesOf({ features, adapterInfo, limits }: GPUDevice): Matrices | undefined {
  if (!features.has(matrixFeature)) return undefined
  const configurations = matrixSupport(adapterInfo).flatMap(({ component, result, M, N, K }) =>
    // Sums in 16 bits would lose what float32 keeps.
    result === 'f32' && (component === 'f16' || component === 'f32') ? [{ component, M, N, K } as const] : [],
  )
  const usable = configurations.filter(({ component }) => component === 'f32' || features.has('shader-f16'))
  if (usable.length === 0) return undefined
  const { subgroupMinSize: least = 4, subgroupMaxSize: most = 128 } = adapterInfo
  return {
    configurations: usable,
    subgroups: [4, 8, 16, 32, 64, 128].filter((size) => size >= least && size <= most),
    workgroupInvocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
  }
}
