// The benchmark's process for dlm → two files, as a module and its runtime come out of a bundler (the JavaScript peers are
// bundled by their authors): the process that runs a program, and the one that compiles it.
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

await build({
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  input: { dlm: 'bench/peers/dlm.ts', 'dlm-compile': 'bench/peers/dlm-compile.ts' },
  platform: 'node',
  external: (name) => !name.startsWith('.') && !isAbsolute(name),
  output: { dir: 'bench/dist/bundled', entryFileNames: '[name].js', chunkFileNames: '[name].js' },
  logLevel: 'warn',
})
