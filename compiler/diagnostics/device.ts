/** DLM070x, DLM071x: devices and sessions. The runtime throws these as typed errors with its own words (runtime/errors.ts). */
import type { DiagnosticRow } from './catalogue.ts'

/** What a typed error of the runtime carries. */
export interface RunFacts {
  readonly problem: string
  readonly fix: string
}
const say = ({ problem, fix }: RunFacts) => ({ message: problem, help: { text: fix } })

export const outOfMemory: DiagnosticRow<RunFacts> = {
  code: 'DLM0701',
  severity: 'error',
  title: 'the program does not fit into the memory of the device',
  explanation:
    'The compiler knows every byte that a run allocates as a polynomial in the free dims (`dlmc inspect` prints it). It is compared with the limits of the adapter and, on a software adapter, with four fifths of the free memory, before anything is allocated. The largest batch that fits is found by halving.',
  wrong: 'dlmc train model.dlm --set batch=100000',
  right: 'dlmc train model.dlm --set batch=64',
  say,
}
export const unsupported: DiagnosticRow<RunFacts> = {
  code: 'DLM0702',
  severity: 'error',
  title: 'the device lacks something that the program needs',
  explanation:
    'A compiled program states the features and limits of its kernels. One that was compiled for a GPU may bind more buffers, use larger workgroups or need 16-bit floats that another adapter does not have.',
  wrong: 'a module compiled with --target gpu, opened on a software adapter',
  right: 'the same model compiled for the device it runs on, as `dlmc train` and `dlmc run` do',
  say,
}
export const deviceLost: DiagnosticRow<RunFacts> = {
  code: 'DLM0703',
  severity: 'error',
  title: 'the device was lost',
  explanation:
    'The driver gave the device up: it was reset, unplugged, put to sleep, or one kernel took longer than the operating system allows. What was on the device is gone; the last checkpoint is not.',
  wrong: 'a run that ends here',
  right: 'dlmc train model.dlm --resume runs/…',
  say,
}
export const deviceFault: DiagnosticRow<RunFacts> = {
  code: 'DLM0704',
  severity: 'error',
  title: 'the device refused something',
  explanation:
    'WebGPU checks every call and every kernel. What it refuses is a fault of dlmc or of the driver, never of a model; the run ends, since its numbers can no longer be trusted.',
  wrong: 'any program that shows this',
  right: 'the same program on another device (`dlmc devices`), and a report with the message',
  say,
}
export const noDevice: DiagnosticRow<RunFacts> = {
  code: 'DLM0705',
  severity: 'error',
  title: 'there is no such device',
  explanation:
    'A device is chosen by `--device`: `auto` (a GPU, else the built-in cpu), `gpu`, `cpu`, `reference`, `lavapipe`, `swiftshader`, `software`, or a part of the name of an adapter. `dlmc devices` lists what was found and what could be installed.',
  wrong: 'dlmc train model.dlm --device rtx        (on a machine without one)',
  right: 'dlmc train model.dlm --device auto',
  say,
}
export const wrongLength: DiagnosticRow<RunFacts> = {
  code: 'DLM0706',
  severity: 'error',
  title: 'data of another length or type than the tensor',
  explanation:
    'A tensor is written from an array of its type (Float32Array, Int32Array, Uint32Array for uint and bool) with exactly as many elements as its shape has under the dims of the session.',
  wrong: 'model.run({ image: new Float32Array(784) })        // opened with batch 32',
  right: 'model.run({ image: new Float32Array(32 * 784) })',
  say,
}
export const wrongDims: DiagnosticRow<RunFacts> = {
  code: 'DLM0707',
  severity: 'error',
  title: 'a free dim has no usable value',
  explanation:
    'Every free dim of a model gets a whole number, not negative, when a session is opened. Sizes made from dims are counted exactly, up to 2^53.',
  wrong: 'dlmc run model.dlm … --dims batch=-1',
  right: 'dlmc run model.dlm … --dims batch=8',
  say,
}
export const unknownName: DiagnosticRow<RunFacts> = {
  code: 'DLM0708',
  severity: 'error',
  title: 'the session has nothing of that name',
  explanation:
    'A session holds the tensors and entries that it was opened with. Targets, for example, belong to training and evaluation, not to inference.',
  wrong: "session.read('logit')",
  right: "session.read('logits')",
  say,
}
export const disposed: DiagnosticRow<RunFacts> = {
  code: 'DLM0709',
  severity: 'error',
  title: 'the session was disposed of',
  explanation: '`dispose()` frees the memory of a session; nothing can be read, written or run afterwards.',
  wrong: 'model.dispose(); await model.run({ image })',
  right: 'await model.run({ image }); model.dispose()',
  say,
}
export const notANumber: DiagnosticRow<RunFacts> = {
  code: 'DLM0710',
  severity: 'error',
  title: 'a loss or a gradient is not a number',
  explanation:
    'Training stopped because a value became infinite or NaN: nothing computed from it means anything. The usual causes are a learning rate that is too large, and a log, a division or a power whose argument can reach zero. No checkpoint is written after it; the last good one is kept.',
  wrong: 'optimizer: sgd(10.0)',
  right: 'optimizer: sgd(0.1)\nclip_norm: 1.0',
  say,
}

export const deviceRows = [
  outOfMemory,
  unsupported,
  deviceLost,
  deviceFault,
  noDevice,
  wrongLength,
  wrongDims,
  unknownName,
  disposed,
  notANumber,
] as const
