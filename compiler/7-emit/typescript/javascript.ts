/** A TypeScript file → JavaScript and its declarations. The module's types are explicit, so each file stands alone. */
import type { EmittedFiles } from './emit.ts'

export async function toJavaScript(emitted: EmittedFiles): Promise<EmittedFiles> {
  const { ts } = await import('ts-morph')
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    isolatedDeclarations: true,
    declaration: true,
  }
  const files = new Map<string, string>()
  const editable = new Set<string>()
  for (const [path, text] of emitted.files) {
    if (!path.endsWith('.ts')) {
      files.set(path, text)
      continue
    }
    const stem = path.slice(0, -'.ts'.length)
    files.set(`${stem}.js`, ts.transpileModule(text, { compilerOptions, fileName: path }).outputText)
    files.set(`${stem}.d.ts`, ts.transpileDeclaration(text, { compilerOptions, fileName: path }).outputText)
    if (emitted.editable.has(path)) for (const ending of ['.js', '.d.ts']) editable.add(`${stem}${ending}`)
  }
  return { ...emitted, files, editable }
}
