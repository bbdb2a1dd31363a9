/**
 * Checked models and their compiled programs → files: `cifar_net.ts` with types, plan and kernels; `cifar_net/*.wgsl`, the
 * same kernels to read; `cifar_net.train.ts`, a training loop to edit. Whole files from structures, printed by ts-morph,
 * which is loaded only when modules are written.
 */
import type { SourceFileStructure } from 'ts-morph'
import { sourceComment } from '../wgsl/emit.ts'
import type { EmitModuleOptions, ModuleInput } from './input.ts'
import { identifierFor } from './literals.ts'
import { importedNames, moduleStructure, planPlace } from './module.ts'
import { fileOnly } from './plan-text.ts'
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

export async function emitModule(input: ModuleInput, options: EmitModuleOptions = {}): Promise<EmittedFiles> {
  const morph = await import('ts-morph')
  const project = new morph.Project({
    useInMemoryFileSystem: true,
    manipulationSettings: { indentationText: morph.IndentationText.TwoSpaces, quoteKind: morph.QuoteKind.Single },
  })
  const taken = (candidate: string) =>
    typeSuffixes.some((suffix) => importedNames.includes(`${candidate}${suffix}`)) || importedNames.includes(candidate)
  const identifier = identifierFor(input.name, taken)
  const files = new Map<string, string>()
  const editable = new Set<string>()
  const print = (path: string, structure: SourceFileStructure): string => {
    const file = project.createSourceFile(path, structure)
    file.formatText({ indentSize: 2, semicolons: morph.ts.SemicolonPreference.Remove, ensureNewLineAtEndOfFile: true })
    return file.getFullText()
  }
  const { structure, plan } = moduleStructure(input, identifier, morph, options)
  const [before, after] = print(`${input.stem}.ts`, structure).split(`\n${planPlace}\n`)
  files.set(`${input.stem}.ts`, `// ${headline(input)}\n${before}\n${plan}\n${after}`)
  if (input.train && input.variants[0]!.program.entries.some((e) => e.name === 'step')) {
    const path = `${input.stem}.train.ts`
    files.set(path, print(path, trainingStructure(input, input.train, identifier, morph, options)))
    editable.add(path)
  }
  for (const [path, text] of kernelFiles(input)) files.set(path, text)
  return { files, editable, identifier }
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
    const seen = new Set<string>()
    for (const [index, pipeline] of program.pipelines.entries()) {
      if (pipeline.wgsl === '' || seen.has(pipeline.wgsl)) continue
      seen.add(pipeline.wgsl)
      const dispatches = program.entries
        .flatMap((e) => e.dispatches)
        .filter((d) => 'pipeline' in d && program.pipelines[d.pipeline]!.wgsl === pipeline.wgsl)
      const origins = dispatches.flatMap((d) => d.origins).map(fileOnly)
      const number = String(index).padStart(2, '0')
      const label = pipeline.name.replace(/[^a-z0-9_]+/gi, '_').slice(0, 60)
      files.set(
        `${input.stem}/${folder}/${number}_${label}.wgsl`,
        `${sourceComment(origins)}${pipeline.wgsl.trimEnd()}\n`,
      )
    }
  }
  return files
}
