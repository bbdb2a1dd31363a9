/** The compiler as a library: checking, compiling, and the modules of a file. `dlm/runtime` runs what it makes. */
export type { Span } from '../grammar/source.ts'
export { check } from './1-check/index.ts'
export type { EmittedFiles } from './7-emit/typescript/emit.ts'
export { type Diagnostic, DiagnosticError } from './diagnostics/diagnostic.ts'
export { render } from './diagnostics/render.ts'
export {
  type AdapterClass,
  adapterClasses,
  compileModules,
  type ModuleDevice,
  type ModuleOptions,
  moduleDevices,
} from './modules.ts'
export { type Compilation, type CompileOptions, compile } from './pipeline.ts'
export type { Program } from './program.ts'
