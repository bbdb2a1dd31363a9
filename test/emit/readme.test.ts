/** README's way from a `.dlm` to an imported module, followed literally: in an empty folder, from the packed package. */
import { execFileSync, execSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { chosenDriver } from '../device/adapter.ts'
import { builtPackage, root } from './app.ts'

const folder = mkdtempSync(join(tmpdir(), 'dlm-readme-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('leads to a module that runs', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const section = readme.slice(readme.indexOf('<!-- followed literally'))
  const [commands, program] = [...section.matchAll(/```(?:sh|js)\n(.*?)```/gs)].map((m) => m[1]!)
  expect(program!.trim().split('\n').length).toBe(5)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(commands).toContain(`dlm-${version}.tgz`)

  const driver = chosenDriver()
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    npm_config_ignore_scripts: 'true',
    npm_config_prefer_offline: 'true',
  }
  if (driver.name === 'gpu') env.DLM_DEVICE = 'gpu'
  else {
    // The folder has none of the repository's packages: SwiftShader is found by its adapter's name.
    env.DLM_DEVICE = driver.name === 'swiftshader' ? 'SwiftShader Device' : driver.name
    env.VK_DRIVER_FILES = driver.manifest
    env.VK_ICD_FILENAMES = driver.manifest
    if (driver.loader !== undefined) env.LD_LIBRARY_PATH = dirname(driver.loader)
  }
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: packable(), env })
  cpSync(join(root, 'models/mnist/convnet.dlm'), join(folder, 'convnet.dlm'))
  for (const command of commands!.trim().split('\n')) execSync(command, { cwd: folder, env, stdio: 'pipe' })
  writeFileSync(join(folder, 'app.mjs'), program!)
  // The device's threads outlive the program's work.
  const said = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', "await import('./app.mjs'); process.exit(0)"],
    { cwd: folder, env, encoding: 'utf8' },
  )
  expect(said).toMatch(/logits: Float32Array\(10\)/)
})

/** The package's folder with everything that is packed: `std/` and README too. */
function packable(): string {
  const built = builtPackage()
  if (built !== root)
    for (const name of ['std', 'README.md']) cpSync(join(root, name), join(built, name), { recursive: true })
  return built
}
