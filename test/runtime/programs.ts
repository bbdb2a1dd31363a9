/** Small programs written by hand, as the compiler would make them: what sessions are tested with. */
import {
  addSizes,
  arenasOf,
  type CompiledProgram,
  type FootprintPart,
  type Size,
  stagingBytes,
} from '../../runtime/abi.ts'

/** `ceil(size · 4 bytes / 256) · 256`, and the spare unit that ends each arena. */
const arenaOf = (elements: Size): Size =>
  addSizes({ terms: [[256, { floor: [addSizes(times(elements, 4), 255), 256] }]] }, 256)
const times = (size: Size, by: number): Size =>
  typeof size === 'number' ? size * by : { terms: size.terms.map(([c, ...f]) => [c * by, ...f]) }
const groups = (elements: Size): [Size, Size, Size] => [{ terms: [[1, { floor: [addSizes(elements, 63), 64] }]] }, 1, 1]

export function certified(planned: Omit<CompiledProgram, 'footprint'>): CompiledProgram {
  const part = (entries: string[]): FootprintPart => {
    const arenas = arenasOf(planned, entries)
    const staging = stagingBytes(planned, entries)
    return {
      entries,
      arenas,
      staging,
      bytes: addSizes(...arenas.map((a) => planned.arenas[a]!.bytes), staging),
      flops: 0,
      moved: 0,
      dispatches: 0,
      pipelines: 0,
    }
  }
  return {
    ...planned,
    footprint: {
      inference: part(['infer']),
      training: planned.entries.some((e) => e.name === 'step') ? part(['step']) : undefined,
    },
  }
}

const about = { label: '', flops: 0, bytes: 0, origins: [], stops: [] } as const
const lanes =
  '@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_index) lane: u32'
const position = 'let i = (group.x + group.y * all.x) * 64 + lane;'

const batch3: Size = { terms: [[3, 'batch']] }
const rounded = (elements: Size): Size => ({ terms: [[16, { floor: [addSizes(times(elements, 4), 15), 16] }]] })

/**
 * `y = w·x + c` over `batch` rows of 3; a step squares `w·x` into an intermediate, sums it to the loss, and moves `w` by
 * `rate · m`, where the moment `m` starts at 2 and is not changed.
 */
export const affine: CompiledProgram = certified({
  abi: 1,
  name: 'Affine',
  dims: ['batch'],
  arenas: [
    { name: 'parameters', role: 'parameters', bytes: 512 },
    { name: 'inputs', role: 'batch', bytes: arenaOf(batch3) },
    { name: 'step', role: 'step', bytes: 768 },
    { name: 'results', role: 'results', bytes: addSizes(arenaOf(batch3), 256) },
    { name: 'activations', role: 'activations', bytes: arenaOf(batch3) },
    { name: 'moments', role: 'moments', bytes: 512 },
    {
      name: 'constants',
      role: 'constants',
      bytes: 512,
      contents: btoa(String.fromCharCode(...new Uint8Array(new Float32Array([10, 20, 30]).buffer))),
    },
  ],
  tensors: [
    { name: 'w', role: 'parameter', arena: 0, offset: 0, shape: [3], dtype: 'float', storage: 'f32' },
    {
      name: 'x',
      role: 'input',
      arena: 1,
      offset: 0,
      shape: [{ terms: [[1, 'batch']] }, 3],
      dtype: 'float',
      storage: 'f32',
    },
    { name: 'loss', role: 'loss', arena: 3, offset: 0, shape: [], dtype: 'float', storage: 'f32' },
    {
      name: 'y',
      role: 'output',
      arena: 3,
      offset: 256,
      shape: [{ terms: [[1, 'batch']] }, 3],
      dtype: 'float',
      storage: 'f32',
    },
    { name: 'moment.m', role: 'moment', arena: 5, offset: 0, shape: [3], dtype: 'float', storage: 'f32' },
  ],
  pipelines: [
    {
      name: 'affine',
      wgsl: `override count: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(${lanes}) { ${position} if (i < count) { y[i] = w[i % 3] * x[i] + c[i % 3]; } }`,
      constants: { count: batch3 },
      workgroup: [64, 1, 1],
      features: [],
    },
    {
      name: 'square',
      wgsl: `override count: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> s: array<f32>;
@compute @workgroup_size(64) fn main(${lanes}) { ${position} if (i < count) { let v = w[i % 3] * x[i]; s[i] = v * v; } }`,
      constants: { count: batch3 },
      workgroup: [64, 1, 1],
      features: [],
    },
    {
      name: 'sum',
      wgsl: `override count: u32;
@group(0) @binding(0) var<storage, read> s: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<f32>;
@compute @workgroup_size(1) fn main() { var t = 0.0; for (var i = 0u; i < count; i++) { t += s[i]; } total[0] = t; }`,
      constants: { count: batch3 },
      workgroup: [1, 1, 1],
      features: [],
    },
    {
      name: 'update',
      wgsl: `@group(0) @binding(0) var<storage, read> rate: array<f32>;
@group(0) @binding(1) var<storage, read> m: array<f32>;
@group(0) @binding(2) var<storage, read_write> w: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { if (i < 3) { w[i] -= rate[0] * m[i]; } }`,
      constants: {},
      workgroup: [64, 1, 1],
      features: [],
    },
  ],
  entries: [
    {
      name: 'infer',
      inputs: ['x'],
      outputs: ['y'],
      dispatches: [
        {
          ...about,
          pipeline: 0,
          workgroups: groups(batch3),
          bindings: [
            { arena: 1, offset: 0, bytes: rounded(batch3), access: 'read' },
            { arena: 0, offset: 0, bytes: 16, access: 'read' },
            { arena: 6, offset: 0, bytes: 16, access: 'read' },
            { arena: 3, offset: 256, bytes: rounded(batch3), access: 'write' },
          ],
        },
      ],
    },
    {
      name: 'step',
      inputs: ['x'],
      outputs: ['loss'],
      dispatches: [
        {
          ...about,
          pipeline: 1,
          workgroups: groups(batch3),
          bindings: [
            { arena: 1, offset: 0, bytes: rounded(batch3), access: 'read' },
            { arena: 0, offset: 0, bytes: 16, access: 'read' },
            { arena: 4, offset: 0, bytes: rounded(batch3), access: 'write' },
          ],
        },
        {
          ...about,
          pipeline: 2,
          workgroups: [1, 1, 1],
          bindings: [
            { arena: 4, offset: 0, bytes: rounded(batch3), access: 'read' },
            { arena: 3, offset: 0, bytes: 16, access: 'write' },
          ],
        },
        {
          ...about,
          pipeline: 3,
          workgroups: [1, 1, 1],
          bindings: [
            { arena: 2, offset: 0, bytes: 16, access: 'read' },
            { arena: 5, offset: 0, bytes: 16, access: 'read' },
            { arena: 0, offset: 0, bytes: 16, access: 'write' },
          ],
        },
      ],
    },
  ],
  parameters: [{ path: 'w', shape: [3], dtype: 'float', initial: { kind: 'constant', value: 0 }, trainable: true }],
  states: [],
  moments: [{ name: 'moment.m', arena: 5, initial: 2 }],
  stepBlock: [
    { name: 'rate', storage: 'f32', offset: 0 },
    { name: 'seed', storage: 'u32', offset: 256 },
  ],
})

/** `y[i] = i` for `n` elements: needs y of its dispatch when there are more than 65,535 workgroups. */
export const counting: CompiledProgram = certified({
  abi: 1,
  name: 'Counting',
  dims: ['n'],
  arenas: [{ name: 'results', role: 'results', bytes: arenaOf({ terms: [[1, 'n']] }) }],
  tensors: [
    { name: 'y', role: 'output', arena: 0, offset: 0, shape: [{ terms: [[1, 'n']] }], dtype: 'uint', storage: 'u32' },
  ],
  pipelines: [
    {
      name: 'count',
      wgsl: `override count: u32;
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64) fn main(${lanes}) { ${position} if (i < count) { y[i] = i; } }`,
      constants: { count: { terms: [[1, 'n']] } },
      workgroup: [64, 1, 1],
      features: [],
    },
  ],
  entries: [
    {
      name: 'infer',
      inputs: [],
      outputs: ['y'],
      dispatches: [
        {
          ...about,
          pipeline: 0,
          workgroups: groups({ terms: [[1, 'n']] }),
          bindings: [{ arena: 0, offset: 0, bytes: rounded({ terms: [[1, 'n']] }), access: 'write' }],
        },
      ],
    },
  ],
  parameters: [],
  states: [],
  moments: [],
  stepBlock: [],
})
