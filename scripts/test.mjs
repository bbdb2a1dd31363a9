// Installs and builds what is missing, runs the tests, ends with `N passed, N failed`. Arguments go to vitest.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
const run = (command, args) => spawnSync(command, args, { stdio: 'inherit' }).status ?? 1
const must = (command, args) => {
  const status = run(command, args)
  if (status !== 0) {
    console.error(`\n${command} ${args.join(' ')} failed with status ${status}`)
    process.exit(status)
  }
}

if (!existsSync('node_modules/vitest')) must(npm, ['ci', '--ignore-scripts'])
must(npm, ['run', '--silent', 'build'])
must(npm, ['run', '--silent', 'data', 'mnist'])

const results = 'node_modules/.cache/dlm/tests.json'
rmSync(results, { force: true })
const status = run(process.execPath, [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${results}`,
  ...process.argv.slice(2),
])
if (!existsSync(results)) process.exit(status || 1)
const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(results, 'utf8'))
// A file that could not be loaded has no failed test of its own, and must count all the same.
const brokenFiles = testResults.filter(
  (f) => f.status === 'failed' && f.assertionResults.every((t) => t.status !== 'failed'),
).length
const failed = numFailedTests + brokenFiles
console.log(`${numPassedTests} passed, ${failed} failed${numPendingTests ? `, ${numPendingTests} skipped` : ''}`)
process.exit(status || (failed > 0 ? 1 : 0))
