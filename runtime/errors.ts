/**
 * What can go wrong while a program runs, as typed errors. Each carries the code that `dlmc explain` knows, what is
 * wrong in one sentence (`problem`), and what to do about it (`fix`).
 */

/** What all errors of the runtime share. */
export abstract class RunError extends Error {
  readonly code: string
  readonly problem: string
  readonly fix: string
  constructor(code: string, problem: string, fix: string, options?: ErrorOptions) {
    super(`${code}: ${problem}; ${fix}`, options)
    this.name = new.target.name
    this.code = code
    this.problem = problem
    this.fix = fix
  }
}

/** A session would need, or tried to take, more memory than there is. */
export class OutOfMemoryError extends RunError {
  /** The largest value of the dim that fits, where it was found by looking at the plan. */
  readonly largest: { readonly dim: string; readonly value: number } | undefined
  constructor(problem: string, fix: string, largest?: { dim: string; value: number }) {
    super('DLM0701', problem, fix)
    this.largest = largest
  }
}

/** The adapter lacks something that the program needs. */
export class UnsupportedError extends RunError {
  constructor(problem: string, fix: string) {
    super('DLM0702', problem, fix)
  }
}

/** The driver gave the device up: it was reset, unplugged, or took too long. */
export class DeviceLostError extends RunError {
  constructor(reason: string) {
    super('DLM0703', `the device was lost (${reason})`, 'open a new session and go on from the last checkpoint')
  }
}

/** The device refused something that the compiler or the runtime asked of it: a fault of this product. */
export class DeviceError extends RunError {
  constructor(problem: string, fix = 'please report this with the program that caused it', options?: ErrorOptions) {
    super('DLM0704', problem, fix, options)
  }
}

/** There is no such device, or its driver is missing. */
export class NoDeviceError extends RunError {
  constructor(problem: string, fix: string, options?: ErrorOptions) {
    super('DLM0705', problem, fix, options)
  }
}

/** Data of another length or type than the tensor it is meant for. */
export class ShapeError extends RunError {
  readonly expected: string
  readonly given: string
  constructor(name: string, expected: string, given: string) {
    super('DLM0706', `'${name}' takes ${expected}, and was given ${given}`, `pass ${expected}`)
    this.expected = expected
    this.given = given
  }
}

/** Dims that are missing, not whole numbers, or too large to count with. */
export class DimError extends RunError {
  constructor(problem: string, fix: string) {
    super('DLM0707', problem, fix)
  }
}

/** A tensor, an entry or a step value that the session does not have. */
export class NameError extends RunError {
  constructor(what: string, name: string, known: readonly string[]) {
    const list =
      known.length === 0
        ? 'there is none'
        : `there ${known.length === 1 ? 'is' : 'are'} ${known.slice(0, 12).join(', ')}`
    super('DLM0708', `the session has no ${what} '${name}'`, list)
  }
}

/** The session was used after it was disposed of. */
export class DisposedError extends RunError {
  constructor(name: string) {
    super('DLM0709', `the session of ${name} was disposed of`, 'open a new one, or dispose of it later')
  }
}

/** A loss, a metric or a gradient is no longer a number. */
export class NotANumberError extends RunError {
  readonly step: number
  constructor(what: string, value: number, step: number) {
    super(
      'DLM0710',
      `${what} is ${value} at step ${step}`,
      'lower the learning rate, clip the gradients (clip_norm), or look for a log, a division or a power without a floor',
    )
    this.step = step
  }
}

/** A device's own report as a typed error. By name, since browsers and Dawn have each their classes. */
export function errorOf(error: GPUError): RunError {
  return error.constructor.name === 'GPUOutOfMemoryError'
    ? new OutOfMemoryError(`the device is out of memory: ${error.message}`, 'use a smaller batch')
    : new DeviceError(`the device reported an error: ${error.message}`)
}
