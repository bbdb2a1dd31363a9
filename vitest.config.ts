import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Processes, not threads: terminating a thread with a pending map of a GPU buffer aborts the whole process.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['test/device/announce.ts'],
    // A software adapter compiles a kernel in up to a second.
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
})
