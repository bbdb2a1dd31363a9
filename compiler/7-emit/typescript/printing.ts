/** Structures → text, and TypeScript → JavaScript: all that needs TypeScript's nine megabytes, which are loaded when it is first asked for. */
import type { SourceFileStructure } from 'ts-morph'
import type { EmittedFiles } from './emit.ts'
import { toJavaScript } from './javascript.ts'

export interface Printer {
  /** A whole file, formatted. */
  print(path: string, structure: SourceFileStructure): Promise<string>
  javascript(emitted: EmittedFiles): Promise<EmittedFiles>
}

/** Prints in this thread. */
export const printer: Printer = {
  async print(path, structure) {
    const { project, semicolons } = await morph()
    const file = project.createSourceFile(path, structure, { overwrite: true })
    file.formatText({ indentSize: 2, semicolons, ensureNewLineAtEndOfFile: true })
    const text = file.getFullText()
    project.removeSourceFile(file)
    return text
  },
  javascript: toJavaScript,
}

let loaded: ReturnType<typeof load> | undefined

/** Loaded once; asked for ahead of the first file, it is there when that comes. */
export function morph(): ReturnType<typeof load> {
  loaded ??= load()
  return loaded
}

async function load() {
  const { IndentationText, Project, QuoteKind, ts } = await import('ts-morph')
  const project = new Project({
    useInMemoryFileSystem: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces, quoteKind: QuoteKind.Single },
  })
  return { project, semicolons: ts.SemicolonPreference.Remove }
}
