/** Who takes part: how each peer's process is started, what it can do, and whether it is installed. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './root.ts'
import type { Workload } from './workloads.ts'

export interface PeerEntry {
  readonly name: string
  readonly title: string
  readonly command: () => readonly string[]
  readonly can: (workload: Workload, device: string) => boolean
  /** Why it cannot be started here, where that is so. */
  readonly missing: () => string | undefined
}

/** The first Python that has PyTorch: the one that PYTHON names, the usual one, the system's. */
export const python = once(() =>
  [process.env['PYTHON'], 'python3', '/usr/bin/python3'].find(
    (name) => name && spawnSync(name, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  ),
)
const script = (name: string) => () => [process.execPath, fileURLToPath(new URL(`peers/${name}.js`, import.meta.url))]
/** Made by `scripts/bundle-bench.mjs`. */
const bundled = (name: string) => () => [process.execPath, join(root, 'bench', 'dist', 'bundled', `${name}.js`)]
const packaged = (name: string) => () =>
  existsSync(join(root, 'bench', 'node_modules', name))
    ? undefined
    : 'not installed: `npm ci --prefix bench --ignore-scripts` does it'

const onGpu = (device: string): boolean => device !== 'wasm' && device !== 'cpu'

export const torchScript = join(root, 'bench', 'peers', 'torch_peer.py')

export const peers: readonly PeerEntry[] = [
  { name: 'dlm', title: 'dlm', command: bundled('dlm'), can: () => true, missing: () => undefined },
  {
    name: 'tfjs',
    title: 'TensorFlow.js',
    command: script('tfjs'),
    can: (_, device) => onGpu(device),
    missing: packaged('@tensorflow/tfjs'),
  },
  {
    name: 'jax-js',
    title: 'jax-js',
    command: script('jax-js'),
    can: () => true,
    missing: packaged('@jax-js/jax'),
  },
  {
    name: 'onnxruntime',
    title: 'ONNX Runtime Web',
    command: script('onnxruntime'),
    can: ({ kind }, device) => kind !== 'train' && onGpu(device),
    missing: () => packaged('onnxruntime-web')() ?? torchMissing(),
  },
  {
    name: 'torch',
    title: 'PyTorch',
    command: () => [python()!, torchScript],
    can: () => true,
    missing: () => torchMissing(),
  },
]

export const peerNames = peers.map(({ name }) => name)

/** PyTorch also exports the models that ONNX Runtime reads. */
const torchMissing = (): string | undefined =>
  python()
    ? undefined
    : 'no Python with PyTorch was found (Debian: `apt install python3-torch`; PYTHON names another Python)'

function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined
  return () => {
    found ??= { value: find() }
    return found.value
  }
}
