/**
 * Subgroup matrices on adapters that have none: in an emitted text, types and functions of the extension become arrays and
 * loops. Every lane holds whole matrices and computes them all; one lane of the subgroup stores. What a driver requires of
 * a load or store (bounds, multiples of 16 bytes) is asked here as well: where it does not hold, results are poisoned.
 */
import type { EmittedKernel, EmittedStage } from '../../compiler/lowered.ts'

export const emulateMatrices = (emitted: EmittedKernel): EmittedKernel => ({
  ...emitted,
  stages: emitted.stages.map((stage) => (stage.features.includes(feature) ? emulated(stage) : stage)),
})

const feature = 'chromium-experimental-subgroup-matrix'
const poison = '1e30f'

function emulated(stage: EmittedStage): EmittedStage {
  const functions = new Map<string, string>()
  const sizes = new Map<string, { columns: number; rows: number }>()
  const type = /subgroup_matrix_(left|right|result)<(\w+), (\d+), (\d+)>/
  for (const [, part, , columns, rows] of stage.wgsl.matchAll(new RegExp(type, 'g')))
    sizes.set(part!, { columns: Number(columns), rows: Number(rows) })
  const memory = (array: string) => {
    const [, component, length] = new RegExp(`var<workgroup> ${array}: array<(\\w+), (\\d+)>;`).exec(stage.wgsl)!
    return { length: Number(length), bytes: component === 'f16' ? 2 : 4 }
  }
  const allowed = (array: string, major: number, minor: number) => {
    const { length, bytes } = memory(array)
    return `offset + stride * ${major - 1}u + ${minor}u <= ${length}u && (offset * ${bytes}u) % 16u == 0u && (stride * ${bytes}u) % 16u == 0u && stride >= ${minor}u`
  }
  const load = new RegExp(`subgroupMatrixLoad<${type.source}, (row|col)_major>\\(&(\\w+), `, 'g')
  let wgsl = stage.wgsl.replace(load, (_, part, __, columns, rows, majority, array) => {
    const [C, R] = [Number(columns), Number(rows)]
    const name = `load_${part}_${array}`
    const [major, minor] = majority === 'row' ? [R, C] : [C, R]
    const at = majority === 'row' ? `r * stride + c` : `c * stride + r`
    functions.set(
      name,
      `fn ${name}(offset: u32, stride: u32) -> array<f32, ${C * R}> {
  var m: array<f32, ${C * R}>;
  let allowed = ${allowed(array, major, minor)};
  for (var i = 0u; i < ${C * R}u + none; i++) {
    let r = i / ${C}u;
    let c = i % ${C}u;
    m[i] = select(${poison}, f32(${array}[offset + ${at}]), allowed);
  }
  return m;
}`,
    )
    return `${name}(`
  })
  const [left, result] = [sizes.get('left')!, sizes.get('result')!]
  const [M, N, K] = [result.rows, result.columns, left.columns]
  if (left.rows !== M || sizes.get('right')!.rows !== K || sizes.get('right')!.columns !== N)
    throw new Error('the matrices are not of one configuration')
  functions.set(
    'multiply',
    `fn multiply_add(a: array<f32, ${M * K}>, b: array<f32, ${K * N}>, c: array<f32, ${M * N}>) -> array<f32, ${M * N}> {
  var x = a;
  var y = b;
  var sum = c;
  for (var i = 0u; i < ${M * N}u + none; i++) {
    for (var k = 0u; k < ${K}u + none; k++) { sum[i] = fma(x[i / ${N}u * ${K}u + k], y[k * ${N}u + i % ${N}u], sum[i]); }
  }
  return sum;
}`,
  )
  wgsl = wgsl.replaceAll('subgroupMatrixMultiplyAccumulate(', 'multiply_add(')
  wgsl = wgsl.replace(/subgroupMatrixStore<row_major>\(&(\w+), /g, (_, array) => {
    functions.set(
      'store',
      `fn store_matrix(offset: u32, m: array<f32, ${M * N}>, stride: u32, sublane: u32) {
  if (sublane != 0u) { return; }
  let allowed = ${allowed(array, M, N)};
  var value = m;
  for (var i = 0u; i < ${M * N}u + none; i++) { ${array}[offset + i / ${N}u * stride + i % ${N}u] = select(${poison}, value[i], allowed); }
}`,
    )
    return 'store_matrix('
  })
  // A store says which lane asks: `sublane` is an input of every such kernel.
  wgsl = wgsl.replace(/(store_matrix\([^;]*)\);/g, '$1, sublane);')
  wgsl = wgsl.replace(
    new RegExp(type, 'g'),
    (_, __, ___, columns, rows) => `array<f32, ${Number(columns) * Number(rows)}>`,
  )
  wgsl = wgsl.replace('enable chromium_experimental_subgroup_matrix;\n', '')
  // A software driver would unroll loops of known length, whole matrices: so each has a zero added that no compiler knows.
  wgsl = wgsl.replace(/fn main\([^)]*\)(?:[^{]*)\{/, '$&\n  none = group.z;')
  const entry = wgsl.indexOf('@compute')
  return {
    ...stage,
    wgsl: `${wgsl.slice(0, entry)}var<private> none: u32;\n${[...functions.values()].join('\n')}\n${wgsl.slice(entry)}`,
    features: stage.features.filter((name) => name !== feature),
  }
}
