/** `--memory 2GB`: a compilation that is certified to take no more, or the smallest budget that works. */

import { fitMemory } from '../compiler/fit-memory.ts'
import { type Compilation, type CompileOptions, compile } from '../compiler/pipeline.ts'
import type { Program } from '../compiler/program.ts'
import type { DimValues } from '../runtime/abi.ts'
import { OutOfMemoryError } from '../runtime/errors.ts'
import { largestFit } from '../runtime/fit.ts'
import { UsageError } from './failure.ts'
import { megabytes } from './table.ts'

export const memoryOption = ['--memory <bytes>', 'what training may take, such as 800MB or 2GiB'] as const

const units: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
])

export function parseMemory(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = unit === undefined ? undefined : units.get(unit === 'b' ? '' : unit.toLowerCase())
  if (number === undefined || factor === undefined)
    throw new UsageError(`--memory takes a number of bytes, such as 800MB or 2GiB; this is "${text}"`)
  return Math.floor(Number(number) * factor)
}

/** Compiles within a budget, where one is given; what had to be computed again is told in one line. */
export function compileWithin(
  budget: number | undefined,
  program: Program,
  options: CompileOptions,
  dimsOf: (compilation: Compilation) => DimValues,
  tell: (line: string) => void,
): Compilation {
  if (budget === undefined) return compile(program, options)
  const fit = fitMemory((rematerialise) => compile(program, { ...options, rematerialise }), budget, dimsOf)
  const { compilation, bytes, stride } = fit
  if (fit.fits) {
    if (stride !== undefined)
      tell(
        `memory: values are computed again instead of kept; training takes ${megabytes(bytes)} of ${megabytes(budget)}`,
      )
    return compilation
  }
  const dims = dimsOf(compilation)
  const room = {
    name: 'the budget',
    buffer: Number.POSITIVE_INFINITY,
    binding: Number.POSITIVE_INFINITY,
    memory: budget,
  }
  const largest = largestFit(compilation.program, room, { dims, entries: ['step'] })
  const smaller = largest && largest.value >= 1 ? `, or \`--set ${largest.dim}=${largest.value}\`` : ''
  throw new OutOfMemoryError(
    `training ${options.model} takes ${megabytes(bytes)} at least, and --memory allows ${megabytes(budget)}`,
    `give it \`--memory ${Math.ceil(bytes / 1e6)}MB\`${smaller}`,
    largest,
  )
}
