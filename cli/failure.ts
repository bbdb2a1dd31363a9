/** Whatever went wrong → diagnostics on stderr and an exit code. No path leads to a stack trace. */
import { report } from '../compiler/diagnostics/catalogue.ts'
import { type Diagnostic, DiagnosticError } from '../compiler/diagnostics/diagnostic.ts'
import { fileUnusable, internalError } from '../compiler/diagnostics/files.ts'
import { render } from '../compiler/diagnostics/render.ts'
import { terminal } from './terminal.ts'

/** 0 done · 1 the program or its data is wrong · 2 wrong usage · 3 the device failed · 130 interrupted. */
export const exitCodes = { done: 0, wrong: 1, usage: 2, device: 3, interrupted: 130 } as const

export class UsageError extends Error {}

/** An error of the runtime: it carries a code and what to do about it. */
interface CodedError {
  readonly name: string
  readonly message: string
  readonly code: string
  /** The message without code and fix. */
  readonly problem?: string
  readonly fix?: string
}
const isCoded = (error: unknown): error is CodedError =>
  error instanceof Error && /^DLM\d{4}$/.test((error as { code?: string }).code ?? '')

/** An error that the operating system gave for a path. */
interface FileSystemError {
  readonly code: string
  readonly syscall: string
  readonly path?: string
  readonly dest?: string
}
const isOfFileSystem = (error: unknown): error is FileSystemError => {
  const { code, syscall } = error as Partial<FileSystemError>
  return error instanceof Error && typeof syscall === 'string' && /^E[A-Z0-9]+$/.test(code ?? '')
}
const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['ENOTDIR', 'part of the path is a file'],
  ['EISDIR', 'it is a folder'],
  ['EEXIST', 'it exists already'],
  ['EACCES', 'permission was denied'],
  ['EPERM', 'permission was denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the quota of the disk is used up'],
  ['EMFILE', 'too many files are open'],
  ['EIO', 'the disk failed'],
])

export function show(diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) terminal.error(`${render(diagnostic, { style: terminal.style })}\n`)
}

export function fail(error: unknown): number {
  if (error instanceof UsageError) {
    terminal.error(`${terminal.style('red', 'error')}: ${error.message}`)
    return exitCodes.usage
  }
  if (error instanceof DiagnosticError) {
    show(error.diagnostics)
    return exitCodes.wrong
  }
  if (isCoded(error)) {
    show([
      {
        code: error.code,
        severity: 'error',
        message: error.problem ?? error.message,
        secondary: [],
        notes: [],
        ...(error.fix && { help: { text: error.fix } }),
      },
    ])
    return deviceErrors.has(error.name) ? exitCodes.device : exitCodes.wrong
  }
  if (isOfFileSystem(error)) {
    show([
      report(fileUnusable, {
        path: error.path ?? error.dest ?? 'a file',
        reason: reasons.get(error.code) ?? `${error.syscall} failed with ${error.code}`,
      }),
    ])
    return exitCodes.wrong
  }
  const fault = error instanceof Error ? error : new Error(String(error))
  if (process.env['DLM_TRACE']) terminal.error(fault.stack ?? '')
  show([report(internalError, { message: fault.message })])
  return exitCodes.wrong
}

const deviceErrors = new Set([
  'DeviceLostError',
  'DeviceError',
  'OutOfMemoryError',
  'NoDeviceError',
  'UnsupportedError',
])
