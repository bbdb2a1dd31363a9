/**
 * The MNIST convnet's forward pass and gradients, kernel by kernel on the test adapter: milliseconds, share, GFLOP/s of
 * contractions, and what each kernel is. The graph is built by hand here, so that only fusion and WGSL are measured.
 *
 *   npx tsc -p tsconfig.json --noEmit false --outDir .cache/bench && node .cache/bench/bench/convnet-step.js [batch]
 */
import { differentiate } from '../compiler/3-differentiate/differentiate.ts'
import { simplify } from '../compiler/4-simplify/simplify.ts'
import { fuse } from '../compiler/5-fuse/fuse.ts'
import { defaultSchedule } from '../compiler/7-emit/wgsl/default-schedule.ts'
import { emitKernel } from '../compiler/7-emit/wgsl/emit.ts'
import { dim, evaluate, product, symbol } from '../compiler/ir/dim.ts'
import type { Node, Result } from '../compiler/ir/graph.ts'
import type { Kernel } from '../compiler/ir/kernel.ts'
import { GraphBuilder } from '../compiler/ops/builder.ts'
import { testDevice } from '../test/device/adapter.ts'
import { storageOf } from '../test/device/run-kernels.ts'
import { values } from '../test/wgsl/numbers.ts'

const batchSize = Number(process.argv[2] ?? 100)
const b = new GraphBuilder()
const batch = symbol('batch')

function convolve(x: Node, name: string, features: number, k: number): Node {
  const [n, c, h, w] = x.shape as [typeof batch, typeof batch, typeof batch, typeof batch]
  const weight = b.parameter(`${name}.weight`, [dim(features), c, dim(k), dim(k)])
  const bias = b.parameter(`${name}.bias`, [dim(features)])
  const [oh, ow] = [dim(h.constant! - k + 1), dim(w.constant! - k + 1)]
  const plain = (axis: string) => ({ terms: [{ axis, stride: 1 }], offset: 0, divisor: 1 })
  const slid = (...axes: string[]) => ({ terms: axes.map((axis) => ({ axis, stride: 1 })), offset: 0, divisor: 1 })
  const y = b.node('contract', [x, weight], {
    axes: [
      { name: 'n', size: n },
      { name: 'o', size: dim(features) },
      { name: 'y', size: oh },
      { name: 'x', size: ow },
      { name: 'c', size: c },
      { name: 'i', size: dim(k) },
      { name: 'j', size: dim(k) },
    ],
    left: [plain('n'), plain('c'), slid('y', 'i'), slid('x', 'j')],
    right: ['o', 'c', 'i', 'j'].map(plain),
    output: ['n', 'o', 'y', 'x'],
  }) as Node
  return b.add(y, b.reshape(bias, [dim(features), dim(1), dim(1)]))
}

function pool(x: Node): Node {
  const rows = b.window(x, { axis: 2, size: 2, stride: 2, dilation: 1, low: 0, high: 0, fill: -3.4028234663852886e38 })
  const both = b.window(rows, {
    axis: 4,
    size: 2,
    stride: 2,
    dilation: 1,
    low: 0,
    high: 0,
    fill: -3.4028234663852886e38,
  })
  return b.max(both, [3, 5])
}

const image = b.input('image', [batch, dim(28), dim(28)])
const label = b.input('label', [batch], 'int', 'target')
let x = b.reshape(image, [batch, dim(1), dim(28), dim(28)])
x = pool(b.maximum(convolve(x, 'conv1', 16, 5), 0))
x = pool(b.maximum(convolve(x, 'conv2', 32, 5), 0))
x = b.reshape(x, [batch, dim(512)])
const logits = b.add(
  b.matmul(x, b.parameter('linear.weight', [dim(512), dim(10)])),
  b.parameter('linear.bias', [dim(10)]),
)
const shifted = b.sub(logits, b.max(logits, [1], true))
const logp = b.sub(shifted, b.log(b.sum(b.exp(shifted), [1], true)))
const loss = b.neg(
  b.mean(b.sum(b.select(b.eq(b.reshape(label, [batch, dim(1)]), b.iota([batch, dim(10)], 1)), logp, 0), [1]), [0]),
)

const parameters = ['conv1.weight', 'conv1.bias', 'conv2.weight', 'conv2.bias', 'linear.weight', 'linear.bias']
const shapes = [[16, 1, 5, 5], [16], [32, 16, 5, 5], [32], [512, 10], [10]]
const leaves = parameters.map((path, i) => b.parameter(path, shapes[i]!.map(dim)))
const gradients = differentiate(b, loss, leaves)
const results: Result[] = [
  { name: 'loss', node: loss, role: 'loss' },
  ...gradients.map((node, i): Result => ({ name: `grad.${parameters[i]}`, node, role: 'gradient' })),
]
const kernels = fuse(simplify(b.graph('step', results)))

const { device, description } = await testDevice()
const subgroup = device.adapterInfo.subgroupMinSize
const limits = { subgroup, workgroupInvocations: 256, workgroupBytes: 16384, storageBuffers: 10 }
console.log(`${description}, batch ${batchSize}, ${kernels.length} kernels`)
const dims = new Map([['batch', batchSize]])
const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
const buffers = new Map<Node, GPUBuffer>()
const bufferOf = (node: Node): GPUBuffer => {
  let buffer = buffers.get(node)
  if (!buffer) {
    const data =
      node.dtype === 'float'
        ? values(evaluate(product(node.shape), dims), 1)
        : new Int32Array(evaluate(product(node.shape), dims))
    buffer = device.createBuffer({ size: Math.max(4, data.byteLength), usage })
    device.queue.writeBuffer(buffer, 0, data)
    buffers.set(node, buffer)
  }
  return buffer
}

let total = 0
let compiling = 0
for (const kernel of kernels) {
  const emitted = emitKernel(kernel, { storageOf, target: 'cpu-class', limits })
  const scratch = emitted.scratch.map((s) => device.createBuffer({ size: 4 * evaluate(s.elements, dims), usage }))
  for (const stage of emitted.stages) {
    const constants = Object.fromEntries([...stage.constants].map(([name, d]) => [name, evaluate(d, dims)]))
    const begin = performance.now()
    const pipeline = device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: stage.wgsl }), constants },
    })
    const entries = stage.bindings.map(({ target }, binding) => ({
      binding,
      resource: {
        buffer: target.kind === 'slot' ? bufferOf(kernel.slots[target.slot]!.node) : scratch[target.scratch]!,
      },
    }))
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
    const groups = evaluate(stage.workgroups[0], dims)
    const times: number[] = []
    let first = 0
    for (let run = 0; run < 6; run++) {
      const start = performance.now()
      const encoder = device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(Math.min(groups, 65535), Math.ceil(groups / 65535))
      pass.end()
      device.queue.submit([encoder.finish()])
      await device.queue.onSubmittedWorkDone()
      if (run === 0) first = performance.now() - begin
      else times.push(performance.now() - start)
    }
    const median = times.sort((p, q) => p - q)[2]!
    total += median
    compiling += first
    const flops = kernel.kind === 'contract' && stage === emitted.stages[0] ? flopsOf(kernel) : 0
    const schedule = defaultSchedule(kernel, 'cpu-class', limits)
    console.log(
      `${median.toFixed(2).padStart(8)} ms  first ${first.toFixed(0).padStart(5)}  ${flops ? `${(flops / median / 1e6).toFixed(1)} GFLOP/s ` : ''}${stage.name} ${describe(kernel)} ${'by' in schedule ? schedule.by : ''} groups ${groups}`,
    )
    if (process.env.SHOW && stage.name.includes(process.env.SHOW)) console.log(stage.wgsl)
  }
}
console.log(`${total.toFixed(1)} ms in all, first runs ${(compiling / 1000).toFixed(1)} s`)
process.exit(0)

function flopsOf(kernel: Extract<Kernel, { kind: 'contract' }>): number {
  return (
    2 *
    evaluate(product([...kernel.batch, ...kernel.rows, ...kernel.columns, ...kernel.depth].map((a) => a.extent)), dims)
  )
}
function describe(kernel: Kernel): string {
  const list = (axes: readonly { extent: { key: string } }[]) => `[${axes.map((a) => a.extent.key).join(' ')}]`
  if (kernel.kind === 'contract')
    return `batch ${list(kernel.batch)} rows ${list(kernel.rows)} columns ${list(kernel.columns)} depth ${list(kernel.depth)}`
  if (kernel.kind === 'row')
    return `outer ${list(kernel.outer)} row ${list(kernel.row)} stages ${kernel.stages.length} stores ${kernel.stores.length}`
  return kernel.kind === 'map' ? `map ${list(kernel.axes)}` : kernel.kind
}
