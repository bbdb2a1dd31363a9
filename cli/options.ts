/** Options that several verbs share, and how their words become values. */
import type { Command } from 'commander'
import { UsageError } from './failure.ts'

export type Verb = (program: Command, run: (action: () => Promise<number>) => Promise<void>) => void

export const deviceOption = [
  '--device <name>',
  "auto, gpu, wasm, reference, lavapipe, swiftshader, or part of an adapter's name",
  'auto',
] as const

/** `batch=32,T=128`, also given several times. */
export function parseDims(texts: readonly string[] | undefined): Map<string, number> {
  const dims = new Map<string, number>()
  for (const text of (texts ?? []).flatMap((t) => t.split(','))) {
    const match = /^\s*([A-Za-z_]\w*)\s*=\s*(\d+)\s*$/.exec(text)
    if (!match) throw new UsageError(`--dims takes NAME=NUMBER, such as batch=32; this is "${text}"`)
    dims.set(match[1]!, Number(match[2]))
  }
  return dims
}

export const collect = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value]

export function parseCount(what: string, text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new UsageError(`${what} takes a whole number; this is "${text}"`)
  return Number(text)
}

export const asRecord = (dims: ReadonlyMap<string, number>): Record<string, number> => Object.fromEntries(dims)
