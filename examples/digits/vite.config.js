import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// Inside the repository the package is the repository itself; an application installs `dlm` and needs no alias.
export default defineConfig({
  base: './',
  resolve: { alias: { 'dlm/runtime': fileURLToPath(new URL('../../dist/runtime/index.js', import.meta.url)) } },
  build: { target: 'es2022' },
})
