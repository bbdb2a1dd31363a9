/**
 * A device without WebGPU → the same two rates, from programs of our own that it runs like any other: a copy, and a chain of
 * multiply-adds in registers or a square product, whichever is faster. A device that others' kernels would drive harder
 * is thereby not found out.
 */
import { check } from '../../compiler/1-check/index.ts'
import { compile } from '../../compiler/pipeline.ts'
import { openCompiled, type SelectedDevice } from '../session.ts'

const source = `
model Copy(n: int) {
  input tick: float[1]
  input x: float[n]
  output done = -tick
  output y = -x
}
model Chain(n: int) {
  input tick: float[1]
  input x: float[n]
  let a = x + 1
  let b = x + 2
  let c = x + 3
  let d = x + 4
  for i in 0..64 {
    let a = a * x + 0.5
    let b = b * x + 0.5
    let c = c * x + 0.5
    let d = d * x + 0.5
  }
  output done = -tick
  output y = a + b + (c + d)
}
model Product(n: int) {
  input tick: float[1]
  input x: float[n, n]
  output done = -tick
  output y = x @ x
}
`

export async function probeByPrograms(
  device: SelectedDevice,
): Promise<{ bytesPerSecond: number; flopsPerSecond: number }> {
  const fast = device.description.kind === 'wasm'
  const [copied, chained, side] = fast ? [1 << 22, 1 << 16, 512] : [1 << 14, 1 << 10, 64]
  const copying = await seconds(device, 'Copy', copied, copied)
  const chaining = await seconds(device, 'Chain', chained, chained)
  const multiplying = await seconds(device, 'Product', side, side * side)
  return {
    bytesPerSecond: (8 * copied) / copying,
    flopsPerSecond: Math.max((chained * 64 * 8) / chaining, (2 * side ** 3) / multiplying),
  }
}

/** The least of several times, each of some runs until a small output has come back. */
async function seconds(device: SelectedDevice, model: string, n: number, elements: number): Promise<number> {
  const runs = 8
  const { program, simplified } = compile(check({ path: 'probe.dlm', text: source }), {
    model,
    arguments: new Map([['n', n]]),
    entries: ['infer'],
    target: device.target,
    subgroup: device.subgroup,
  })
  const executor = await openCompiled(program, device, { dims: {}, entries: ['infer'] }, simplified)
  executor.write('tick', new Float32Array(1))
  executor.write('x', new Float32Array(elements).fill(0.25))
  let least = Number.POSITIVE_INFINITY
  for (let trial = 0; trial < 5; trial++) {
    const start = performance.now()
    for (let run = 0; run < runs; run++) await executor.run('infer')
    await executor.read('done')
    // The first trial compiles.
    if (trial > 0) least = Math.min(least, (performance.now() - start) / 1000 / runs)
  }
  executor.dispose()
  return least
}
