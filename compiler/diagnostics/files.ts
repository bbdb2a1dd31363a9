/** DLM08xx, DLM09xx: files that cannot be used, tensors that do not fit, and faults of the compiler itself. */
import type { DiagnosticRow } from './catalogue.ts'

export const fileNotReadable: DiagnosticRow<{ path: string; reason: string }> = {
  code: 'DLM0801',
  severity: 'error',
  title: 'a file cannot be read',
  explanation:
    'A file named on the command line could not be opened. Paths are relative to the folder where dlmc runs.',
  wrong: 'dlmc check modle.dlm',
  right: 'dlmc check model.dlm',
  say: ({ path, reason }) => ({
    message: `cannot read ${path}: ${reason}`,
    help: { text: 'check the path; it is relative to the folder where dlmc runs' },
  }),
}

export const fileTooLarge: DiagnosticRow<{ path: string; bytes: number; maximum: number }> = {
  code: 'DLM0802',
  severity: 'error',
  title: 'a source file is too large',
  explanation:
    'A .dlm file describes a model; a file of more than 4 MiB is almost certainly something else, and is not read.',
  wrong: 'dlmc check weights.safetensors',
  right: 'dlmc check model.dlm',
  say: ({ path, bytes, maximum }) => ({
    message: `${path} has ${bytes} bytes, more than the ${maximum} that a source file may have`,
    help: { text: 'name a .dlm file; split a very large model into several files with import' },
  }),
}

export const fileUnusable: DiagnosticRow<{ path: string; reason: string }> = {
  code: 'DLM0803',
  severity: 'error',
  title: 'a file or folder cannot be used',
  explanation:
    'A file could not be written, or a folder not be made or listed: it does not exist, may not be touched, or the disk is full. What was there before is untouched; files are written beside their place and moved there when complete.',
  wrong: 'dlmc init model.dlm --output /nowhere/weights.safetensors',
  right: 'dlmc init model.dlm --output weights.safetensors',
  say: ({ path, reason }) => ({
    message: `cannot use ${path}: ${reason}`,
    help: { text: 'check the path, its permissions and the space on the disk' },
  }),
}

export const tensorMissing: DiagnosticRow<{ path: string; name: string; available: readonly string[] }> = {
  code: 'DLM0811',
  severity: 'error',
  title: 'a tensor file lacks a tensor',
  explanation:
    'Tensors are found by name: parameters and states under their paths, inputs and targets under their names.',
  wrong: 'a file with "fc.weight" for a model whose layer is named linear_1',
  right: 'a file with "linear_1.weight"; `dlmc init` writes one with every name',
  say: ({ path, name, available }) => ({
    message: `${path} has no tensor ${JSON.stringify(name)}`,
    notes: [
      `it has ${
        available
          .slice(0, 12)
          .map((n) => JSON.stringify(n))
          .join(', ') || 'none'
      }${available.length > 12 ? ` and ${available.length - 12} more` : ''}`,
    ],
    help: { text: '`dlmc init` writes a file with every parameter and state of a model' },
  }),
}

export const tensorShapeDiffers: DiagnosticRow<{
  path: string
  name: string
  expected: readonly number[]
  given: readonly number[]
}> = {
  code: 'DLM0812',
  severity: 'error',
  title: 'a tensor has another shape than the model wants',
  explanation:
    'Shapes are compared before anything is uploaded, size by size; nothing is broadcast or reshaped silently.',
  wrong: 'a weight of shape [784, 10] for Linear(10), which keeps it as [10, 784]',
  right: 'a weight of shape [10, 784]',
  say: ({ path, name, expected, given }) => ({
    message: `tensor ${JSON.stringify(name)} of ${path} has shape [${given.join(', ')}]; the model wants [${expected.join(', ')}]`,
    help: { text: 'check that the file belongs to this model and these hyperparameters; --dims sets free dims' },
  }),
}

export const nameUnknown: DiagnosticRow<{ what: string; name: string; available: readonly string[] }> = {
  code: 'DLM0813',
  severity: 'error',
  title: 'the model has nothing of that name',
  explanation: 'A name given on the command line must be one that the model declares.',
  wrong: 'dlmc run model.dlm --expose atention',
  right: 'dlmc run model.dlm --expose attention.weight',
  say: ({ what, name, available }) => ({
    message: `the model has no ${what} ${JSON.stringify(name)}`,
    help: { text: available.length > 0 ? `it has ${available.slice(0, 12).join(', ')}` : `it has no ${what} at all` },
  }),
}

export const internalError: DiagnosticRow<{ message: string }> = {
  code: 'DLM0999',
  severity: 'error',
  title: 'a fault of dlmc itself',
  explanation:
    'Something happened that dlmc did not foresee. It is never the fault of a model: please report it with the file that shows it.',
  wrong: 'any program that shows this',
  right: 'the same program, once the fault is mended',
  say: ({ message }) => ({
    message: `this is a fault of dlmc: ${message.split('\n')[0]}`,
    help: { text: 'please report it with the model; DLM_TRACE=1 adds where it happened' },
  }),
}

export const fileRows = [
  fileNotReadable,
  fileTooLarge,
  fileUnusable,
  tensorMissing,
  tensorShapeDiffers,
  nameUnknown,
  internalError,
] as const
