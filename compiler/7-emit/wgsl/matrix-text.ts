/**
 * The words of subgroup matrices in WGSL, all of them here: the extension is a draft (gpuweb, proposals/subgroup-matrix.md)
 * whose syntax moves. Printed is that of Dawn as of package `webgpu` 0.6.2. A type names its columns before its rows.
 */
import type { MatrixConfiguration } from './schedule.ts'

export type MatrixPart = 'left' | 'right' | 'result'
/** Whether neighbours in memory are of one row or of one column. */
export type Majority = 'row_major' | 'col_major'

export function matrixType(part: MatrixPart, { component, M, N, K }: MatrixConfiguration): string {
  switch (part) {
    case 'left':
      return `subgroup_matrix_left<${component}, ${K}, ${M}>`
    case 'right':
      return `subgroup_matrix_right<${component}, ${N}, ${K}>`
    case 'result':
      return `subgroup_matrix_result<f32, ${N}, ${M}>`
    default:
      return part satisfies never
  }
}

/** The matrix whose first element is `array[offset]`; its rows or columns are `stride` elements apart. */
export const loadMatrix = (type: string, majority: Majority, array: string, offset: string, stride: number): string =>
  `subgroupMatrixLoad<${type}, ${majority}>(&${array}, ${offset}, ${stride}u)`

export const storeMatrix = (array: string, offset: string, matrix: string, stride: number): string =>
  `subgroupMatrixStore<row_major>(&${array}, ${offset}, ${matrix}, ${stride}u);`

/** left · right + sum */
export const multiplyAdd = (left: string, right: string, sum: string): string =>
  `subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sum})`
