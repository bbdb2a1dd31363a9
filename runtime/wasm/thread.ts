/**
 * A thread of a wasm session: instances of the kernels, and of the program that calls them (`conductor.ts`).
 *
 * The text of `wasmThread` is also the program of the worker threads (`workers.ts`), so that bundlers need not know of them:
 * it uses what it is given and the globals of every engine, and nothing of this module.
 */
export interface ThreadSetup {
  readonly memory: WebAssembly.Memory
  readonly modules: readonly WebAssembly.Module[]
  /** By number: the module, and the function's name. */
  readonly kernels: readonly (readonly [module: number, name: string])[]
  readonly conductor: WebAssembly.Module
  /** The word to set when a thread fails. */
  readonly failed: number
  /** Address of this thread's work space. */
  readonly workspace: number
  /** Its number. */
  readonly thread: number
}

export interface WasmThread {
  /** Does the k-th run from beginning to end, with the others if there are any; over it is unless one of them failed. */
  run(k: number): void
  /** Takes part in all runs to come, for ever. */
  serve(): void
}

/** `tell`: something moved that the host waits for. */
export function wasmThread(setup: ThreadSetup, tell: () => void): WasmThread {
  const { memory, modules, kernels, conductor, workspace, thread } = setup
  const instances = modules.map((module) => new WebAssembly.Instance(module, { dlm: { memory, workspace } }))
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: kernels.length })
  for (const [i, [module, name]] of kernels.entries()) table.set(i, instances[module]!.exports[name])
  const words = new Int32Array(memory.buffer)
  // A kernel with more addresses than the program has cases for.
  const long = (command: number, first: number, end: number) => {
    const at = (command >>> 2) + 4
    table.get(words[at - 4]!)(first, end, ...words.subarray(at, at + words[at - 1]!))
  }
  const { exports } = new WebAssembly.Instance(conductor, { dlm: { memory, table, tell, long, thread } })
  return exports as unknown as WasmThread
}
