/**
 * A TypeScript file → JavaScript and its declarations. The module's types are explicit, so each file stands alone. Needs
 * TypeScript's nine megabytes, which are loaded when it is first asked for.
 */
import type { EmittedFiles } from './emit.ts'

export type ToJavaScript = (emitted: EmittedFiles) => Promise<EmittedFiles>

/** Asked for ahead of the first file, it is there when that comes. */
export async function loadTypeScript() {
  return await import('ts-morph')
}

export async function toJavaScript(emitted: EmittedFiles): Promise<EmittedFiles> {
  const { ts } = await loadTypeScript()
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
