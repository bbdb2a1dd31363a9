// The command line → a handful of files in dist/cli/. Node loads a module in about a millisecond and `dlmc check` reaches
// three hundred of them, so that most of its time would go into opening files. Packages stay outside, and are loaded from
// where they were installed. CommonJS, because only of that can Node 20 keep the compiled code (cli/code-cache.ts).
// An argument names another folder.
import { rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const dir = resolve(process.argv[2] ?? `${root}/dist/cli`)

rmSync(dir, { recursive: true, force: true })
await build({
  cwd: root,
  // Workers are found beside the module that starts them.
  input: {
    main: 'cli/main.ts',
    'fill-worker': 'runtime/node/fill-worker.ts',
    'module-worker': 'cli/module-worker.ts',
  },
  platform: 'node',
  external: (name) => !name.startsWith('.') && !isAbsolute(name),
  output: { dir, format: 'cjs', entryFileNames: '[name].js', chunkFileNames: '[name].js', sourcemap: true },
  logLevel: 'warn',
})
writeFileSync(`${dir}/package.json`, '{ "type": "commonjs" }\n')
