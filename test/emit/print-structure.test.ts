/** Structures are printed as ts-morph prints and TypeScript's formatter leaves them: the modules and training loops of all models. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IndentationText, Project, QuoteKind, type SourceFileStructure, ts } from 'ts-morph'
import { describe, expect, it } from 'vitest'
import { check } from '../../compiler/1-check/index.ts'
import { identifierFor } from '../../compiler/7-emit/typescript/literals.ts'
import { moduleStructure } from '../../compiler/7-emit/typescript/module.ts'
import { printStructure } from '../../compiler/7-emit/typescript/print-structure.ts'
import { trainingStructure } from '../../compiler/7-emit/typescript/training.ts'
import { moduleInput, moduleUnits } from '../../compiler/modules.ts'
import { root } from '../grammar/samples.ts'

const project = new Project({
  useInMemoryFileSystem: true,
  manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single },
})
function printedByMorph(structure: SourceFileStructure): string {
  const file = project.createSourceFile('m.ts', structure, { overwrite: true })
  file.formatText({ indentSize: 2, semicolons: ts.SemicolonPreference.Remove, ensureNewLineAtEndOfFile: true })
  return file.getFullText()
}

const files = readdirSync(join(root, 'models'), { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.dlm'))

describe.each(files)('%s', (path) => {
  const file = join(root, 'models', path)
  const program = check({ path: file, text: readFileSync(file, 'utf8') })
  const options = { version: '0', hash: 'x', devices: ['wasm'] } as const
  it('is printed alike', async () => {
    // The structures of a great size are those of a small one.
    for (const unit of moduleUnits(program, {}).slice(0, 2)) {
      const input = await moduleInput(program, unit, options)
      const id = identifierFor(input.name, () => false)
      const { structure } = moduleStructure(input, id, {})
      expect(printStructure(structure)).toBe(printedByMorph(structure))
      if (!input.train) continue
      const loop = trainingStructure(input, input.train, id, {})
      expect(printStructure(loop)).toBe(printedByMorph(loop))
    }
  })
})
