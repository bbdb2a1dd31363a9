/**
 * How fast contractions run under each schedule on the test adapter: square products, and the forward, data-gradient
 * and weight-gradient forms of the MNIST convnet's convolutions. One line per schedule: GFLOP/s (median of 7 runs after
 * one), the first run's milliseconds (compilation included), and the largest error on sampled elements.
 *
 *   npx tsc -p tsconfig.json --noEmit false --outDir .cache/bench && node .cache/bench/bench/contract.js [case] [schedule]
 */

import { defaultSchedule } from '../compiler/7-emit/wgsl/default-schedule.ts'
import { emitKernel } from '../compiler/7-emit/wgsl/emit.ts'
import type { ContractSchedule } from '../compiler/7-emit/wgsl/schedule.ts'
import { evaluate, product as sizeOf } from '../compiler/ir/dim.ts'
import type { ContractKernel, Guard } from '../compiler/ir/kernel.ts'
import { testDevice } from '../test/device/adapter.ts'
import { storageOf } from '../test/device/run-kernels.ts'
import { acc, at, axis, base, flat, guarded, isInside, load, read, sum, tensor, write } from '../test/wgsl/build.ts'
import { values } from '../test/wgsl/numbers.ts'
import { denseLayer } from './dense-layer.ts'

interface Case {
  readonly kernel: ContractKernel
  readonly flops: number
}

const layer = (rows: number, columns: number, depth: number, alongDepth: boolean): Case => ({
  flops: 2 * rows * columns * depth,
  kernel: denseLayer(rows, columns, depth, alongDepth),
})

const square = (n: number): Case => layer(n, n, n, false)

interface Convolution {
  readonly n: number
  readonly ci: number
  readonly co: number
  readonly h: number
  readonly k: number
  readonly pad: number
}

/** out[n, o, y, x] = Σ weight[o, c, dy, dx] · image[n, c, y + dy - pad, x + dx - pad]; rows are output channels. */
function forward({ n, ci, co, h, k, pad }: Convolution): Case {
  const o = h + 2 * pad - k + 1
  const [weight, image, out] = [tensor([co, ci, k, k]), tensor([n, ci, h, h]), tensor([n, co, o, o])]
  const slots = [read(weight!), read(image!), write(out!)]
  const [f, b, y, x, c, dy, dx] = [
    axis('f', co),
    axis('b', n),
    axis('y', o),
    axis('x', o),
    axis('c', ci),
    axis('dy', k),
    axis('dx', k),
  ] as const
  const [row, column] = [
    sum(
      [
        [1, at(y)],
        [1, at(dy)],
      ],
      -pad,
    ),
    sum(
      [
        [1, at(x)],
        [1, at(dx)],
      ],
      -pad,
    ),
  ]
  const guards: Guard[] = pad > 0 ? [isInside(row, h), isInside(column, h)] : []
  const value = load(slots, 1, [b, c, row, column])
  return {
    flops: 2 * n * co * o * o * ci * k * k,
    kernel: {
      ...base(slots),
      kind: 'contract',
      batch: [],
      rows: [f],
      columns: [b, y, x],
      depth: [c, dy, dx],
      split: undefined,
      left: load(slots, 0, [f, c, dy, dx]),
      right: pad > 0 ? guarded(guards, value) : value,
      stores: [{ slot: 2, index: flat(out!.shape, [b, f, y, x]), value: acc }],
    },
  }
}

/** dimage[n, c, y, x] = Σ dout[n, o, y - dy + pad, x - dx + pad] · weight[o, c, dy, dx]; rows are input channels. */
function dataGradient({ n, ci, co, h, k, pad }: Convolution): Case {
  const o = h + 2 * pad - k + 1
  const [weight, dout, out] = [tensor([co, ci, k, k]), tensor([n, co, o, o]), tensor([n, ci, h, h])]
  const slots = [read(weight!), read(dout!), write(out!)]
  const [f, b, y, x, c, dy, dx] = [
    axis('f', co),
    axis('b', n),
    axis('y', h),
    axis('x', h),
    axis('c', ci),
    axis('dy', k),
    axis('dx', k),
  ] as const
  const [row, column] = [
    sum(
      [
        [1, at(y)],
        [-1, at(dy)],
      ],
      pad,
    ),
    sum(
      [
        [1, at(x)],
        [-1, at(dx)],
      ],
      pad,
    ),
  ]
  return {
    flops: 2 * n * co * h * h * ci * k * k,
    kernel: {
      ...base(slots),
      kind: 'contract',
      batch: [],
      rows: [c],
      columns: [b, y, x],
      depth: [f, dy, dx],
      split: undefined,
      left: load(slots, 0, [f, c, dy, dx]),
      right: guarded([isInside(row, o), isInside(column, o)], load(slots, 1, [b, f, row, column])),
      stores: [{ slot: 2, index: flat(out!.shape, [b, c, y, x]), value: acc }],
    },
  }
}

/** dweight[o, c, dy, dx] = Σ dout[n, o, y, x] · image[n, c, y + dy - pad, x + dx - pad]. */
function weightGradient({ n, ci, co, h, k, pad }: Convolution): Case {
  const o = h + 2 * pad - k + 1
  const [dout, image, out] = [tensor([n, co, o, o]), tensor([n, ci, h, h]), tensor([co, ci, k, k])]
  const slots = [read(dout!), read(image!), write(out!)]
  const [f, b, y, x, c, dy, dx] = [
    axis('f', co),
    axis('b', n),
    axis('y', o),
    axis('x', o),
    axis('c', ci),
    axis('dy', k),
    axis('dx', k),
  ] as const
  const [row, column] = [
    sum(
      [
        [1, at(y)],
        [1, at(dy)],
      ],
      -pad,
    ),
    sum(
      [
        [1, at(x)],
        [1, at(dx)],
      ],
      -pad,
    ),
  ]
  const value = load(slots, 1, [b, c, row, column])
  return {
    flops: 2 * n * co * o * o * ci * k * k,
    kernel: {
      ...base(slots),
      kind: 'contract',
      batch: [],
      rows: [f],
      columns: [c, dy, dx],
      depth: [b, y, x],
      split: undefined,
      left: load(slots, 0, [b, f, y, x]),
      right: pad > 0 ? guarded([isInside(row, h), isInside(column, h)], value) : value,
      stores: [{ slot: 2, index: flat(out!.shape, [f, c, dy, dx]), value: acc }],
    },
  }
}

// The MNIST convnet: 1 → 32 → 64 channels, 5 × 5 and 3 × 3 kernels.
const first: Convolution = { n: 64, ci: 1, co: 16, h: 28, k: 5, pad: 2 }
const second: Convolution = { n: 64, ci: 16, co: 32, h: 14, k: 5, pad: 2 }
const cases: Record<string, () => Case> = {
  'product 256': () => square(256),
  'product 512': () => square(512),
  'product 1024': () => square(1024),
  'W1 layer': () => layer(128, 512, 784, true),
  'W1 layer back': () => layer(128, 784, 512, false),
  'W4 wide': () => layer(2048, 512, 128, true),
  'W4 narrow': () => layer(2048, 128, 512, true),
  'W4 narrow back': () => layer(2048, 512, 128, false),
  'conv1 forward': () => forward(first),
  'conv1 weight gradient': () => weightGradient(first),
  'conv2 forward': () => forward(second),
  'conv2 data gradient': () => dataGradient(second),
  'conv2 weight gradient': () => weightGradient(second),
}

const plain: ContractSchedule = {
  kind: 'contract',
  by: 'registers',
  rows: 1,
  columns: 1,
  lanes: 8,
  rowLanes: 1,
  block: 0,
  subgroup: 0,
  panels: false,
  vector: 1,
  unroll: 1,
  stores: 'loop',
  split: 1,
  guards: 'branch',
}

async function measure({ kernel, flops }: Case, schedule: ContractSchedule): Promise<string> {
  const { device } = await testDevice()
  const emitted = emitKernel(kernel, { storageOf, target: 'cpu-class', schedule })
  if (process.env.SHOW) console.log(emitted.stages.map((s) => s.wgsl).join('\n'))
  const none = new Map<string, number>()
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
  const buffers = kernel.slots.map(({ node }, i) => {
    const data = values(evaluate(sizeOf(node.shape), none), i)
    const buffer = device.createBuffer({ size: data.byteLength, usage })
    device.queue.writeBuffer(buffer, 0, data)
    return buffer
  })
  const scratch = emitted.scratch.map((s) => device.createBuffer({ size: 4 * evaluate(s.elements, none), usage }))
  const begin = performance.now()
  const stages = emitted.stages.map((stage) => {
    const pipeline = device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: stage.wgsl }) },
    })
    const entries = stage.bindings.map(({ target }, binding) => ({
      binding,
      resource: { buffer: target.kind === 'slot' ? buffers[target.slot]! : scratch[target.scratch]! },
    }))
    return {
      pipeline,
      group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
      x: evaluate(stage.workgroups[0], none),
    }
  })
  const times: number[] = []
  let compiled = 0
  for (let run = 0; run < 8; run++) {
    const start = performance.now()
    const encoder = device.createCommandEncoder()
    for (const { pipeline, group, x } of stages) {
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(Math.min(x, 65535), Math.ceil(x / 65535))
      pass.end()
    }
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    if (run === 0) compiled = performance.now() - begin
    else times.push(performance.now() - start)
  }
  for (const buffer of [...buffers, ...scratch]) buffer.destroy()
  const median = times.sort((a, b) => a - b)[3]!
  return `${(flops / median / 1e6).toFixed(1)} GFLOP/s, best ${(flops / times[0]! / 1e6).toFixed(1)}, ${median.toFixed(1)} ms, first ${compiled.toFixed(0)} ms`
}

const { device, description } = await testDevice()
console.log(description)
const subgroup = device.adapterInfo.subgroupMinSize
const only = process.argv[2] ?? ''
const variants: Record<string, (kernel: ContractKernel) => ContractSchedule> = {
  default: (kernel) =>
    defaultSchedule(kernel, 'cpu-class', {
      subgroup,
      workgroupInvocations: 256,
      workgroupBytes: 16384,
      storageBuffers: 8,
    }) as ContractSchedule,
  'registers 8x4': () => ({ ...plain, rows: 8, columns: 4 }),
  'subgroup 16x2': () => ({ ...plain, by: 'subgroup', rows: 16, columns: 2, subgroup, lanes: subgroup }),
  'subgroup 16x4': () => ({ ...plain, by: 'subgroup', rows: 16, columns: 4, subgroup, lanes: subgroup }),
  'subgroup 16x4 select': () => ({
    ...plain,
    by: 'subgroup',
    rows: 16,
    columns: 4,
    subgroup,
    lanes: subgroup,
    guards: 'select',
  }),
  'subgroup 16x8': () => ({ ...plain, by: 'subgroup', rows: 16, columns: 8, subgroup, lanes: subgroup }),
  'subgroup 32x4': () => ({ ...plain, by: 'subgroup', rows: 32, columns: 4, subgroup, lanes: subgroup }),
  ...Object.fromEntries(
    [
      [16, 1],
      [16, 2],
      [16, 4],
      [32, 1],
      [32, 2],
    ].map(([rows, columns]) => [
      `vectors ${rows}x${columns}`,
      (kernel: ContractKernel): ContractSchedule => ({
        ...(defaultSchedule(kernel, 'cpu-class', {
          subgroup,
          workgroupInvocations: 256,
          workgroupBytes: 16384,
          storageBuffers: 8,
        }) as ContractSchedule),
        rows: rows!,
        columns: columns!,
      }),
    ]),
  ),
  'panels 32x2': (kernel) => ({
    ...variants.default!(kernel),
    rows: 32,
    columns: 2,
    unroll: 2,
    panels: true,
  }),
  'turns 16x1': (kernel) => ({ ...variants.default!(kernel), unroll: 2 }),
  'turns 32x2': (kernel) => ({ ...variants.default!(kernel), rows: 32, columns: 2, unroll: 2 }),
  'panels 16x1': (kernel) => ({ ...variants.default!(kernel), rows: 16, columns: 1, unroll: 2, panels: true }),
  'panels 32x1': (kernel) => ({ ...variants.default!(kernel), rows: 32, columns: 1, unroll: 2, panels: true }),
  'panels 16x2': (kernel) => ({ ...variants.default!(kernel), rows: 16, columns: 2, unroll: 2, panels: true }),
  'subgroup 8x8': () => ({ ...plain, by: 'subgroup', rows: 8, columns: 8, subgroup, lanes: subgroup }),
  'workgroup 16x16 lanes 4x4': () => ({
    ...plain,
    by: 'workgroup',
    rows: 4,
    columns: 4,
    lanes: 16,
    rowLanes: 16,
    block: 16,
  }),
}
for (const [name, make] of Object.entries(cases)) {
  if (!name.includes(only)) continue
  const made = make()
  for (const [label, choose] of Object.entries(variants)) {
    if (process.argv[3] && !label.startsWith(process.argv[3])) continue
    const schedule = choose(made.kernel)
    console.log(
      `${name} · ${label} (${schedule.by} ${schedule.rows}x${schedule.columns} split ${schedule.split}) · ${await measure(made, schedule)}`,
    )
  }
}
process.exit(0)
