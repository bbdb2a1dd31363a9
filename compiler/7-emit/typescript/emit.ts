/**
 * Checked models and their compiled programs → files: `cifar_net.ts` with types, plan and kernels; `cifar_net/*.wgsl`, the
 * same kernels to read; `cifar_net.train.ts`, a training loop to edit. Whole files from structures.
 */
import { sourceComment } from '../wgsl/emit.ts'
import type { EmitModuleOptions, ModuleInput } from './input.ts'
import { identifierFor } from './literals.ts'
import { importedNames, moduleStructure, planPlace } from './module.ts'
import { fileOnly } from './plan-text.ts'
import { printStructure } from './print-structure.ts'
import { trainingStructure } from './training.ts'
import { typeSuffixes } from './types.ts'

export interface EmittedFiles {
  /** By path relative to the folder of output. */
  readonly files: ReadonlyMap<string, string>
  /** Files that a person may have edited: not to be written over. */
  readonly editable: ReadonlySet<string>
  /** What the module calls the model. */
  readonly identifier: string
}

export function emitModule(input: ModuleInput, options: EmitModuleOptions = {}): EmittedFiles {
  const taken = (candidate: string) =>
    typeSuffixes.some((suffix) => importedNames.includes(`${candidate}${suffix}`)) || importedNames.includes(candidate)
  const identifier = identifierFor(input.name, taken)
  const main = `${input.stem}.ts`
  const { structure, plan } = moduleStructure(input, identifier, options)
  const trained = input.variants[0]!.program.entries.some((e) => e.name === 'step')
  const training =
    input.train && trained
      ? {
          path: `${input.stem}.train.ts`,
          structure: trainingStructure(input, input.train, identifier, options),
        }
      : undefined
  const kernels = kernelFiles(input)
  const [before, after] = printStructure(structure).split(`\n${planPlace}\n`)
  const files = new Map([[main, `// ${headline(input)}\n${before}\n${plan}\n${after}`]])
  if (training) files.set(training.path, printStructure(training.structure))
  for (const [path, text] of kernels) files.set(path, text)
  return { files, editable: new Set(training ? [training.path] : []), identifier }
}

const harmless = (text: string): string => text.replace(/[^A-Za-z0-9_. -]/g, '?').slice(0, 120)
const headline = ({ origin }: ModuleInput): string =>
  `Generated from ${harmless(fileOnly(origin.file))} by dlm ${harmless(origin.compiler)}; \`dlmc compile\` writes it anew.`

/** Each kernel once per class of adapter, in the order of its first use, under its source lines. */
function kernelFiles(input: ModuleInput): Map<string, string> {
  const files = new Map<string, string>()
  const programs = input.variants.flatMap(({ name, program, stepping }) => [
    { folder: name, program },
    ...(stepping ? [{ folder: `${name}/stepping`, program: stepping }] : []),
  ])
  for (const { folder, program } of programs) {
    const origins = new Map<string, string[]>()
    for (const { dispatches } of program.entries)
      for (const dispatch of dispatches) {
        if (!('pipeline' in dispatch)) continue
        const { wgsl } = program.pipelines[dispatch.pipeline]!
        const known = origins.get(wgsl)
        if (known) known.push(...dispatch.origins.map(fileOnly))
        else origins.set(wgsl, dispatch.origins.map(fileOnly))
      }
    const seen = new Set<string>()
    for (const [index, { wgsl, name }] of program.pipelines.entries()) {
      if (wgsl === '' || seen.has(wgsl)) continue
      seen.add(wgsl)
      const number = String(index).padStart(2, '0')
      const label = name.replace(/[^a-z0-9_]+/gi, '_').slice(0, 60)
      files.set(
        `${input.stem}/${folder}/${number}_${label}.wgsl`,
        `${sourceComment(origins.get(wgsl) ?? [])}${wgsl.trimEnd()}\n`,
      )
    }
  }
  return files
}
