/** Generated modules give the bits of `dlmc run` on the adapter of the tests; on the processor: typecheck.test.ts. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { chosenDriver } from '../device/adapter.ts'
import { everyModel } from '../models/every-model.ts'
import { type App, makeApp, root } from './app.ts'
import { sameBits } from './same-bits.ts'

const device = chosenDriver().name
/** On the slower software adapter one of each kind, of those whose kernels it compiles soon. */
const soon = ['cifar', 'horse', 'lessons', 'lm/bigram', 'lm/gpt', 'mnist', 'review']
const isChosen = ({ file }: { readonly file: string }) =>
  device !== 'swiftshader' || soon.some((beginning) => file.startsWith(beginning))
/** The class whose kernels count on the adapter's own subgroups, as those of `dlmc run` do. */
const adapters = { lavapipe: 'software8', swiftshader: 'software4', gpu: 'gpu' }[device]

let app: App
beforeAll(() => {
  app = makeApp()
  cpSync(join(root, 'models'), join(app.folder, 'models'), { recursive: true })
  for (const { file, train } of everyModel().filter(isChosen)) {
    const only = train?.name === undefined ? [] : ['--train', train.name]
    const devices = ['--devices', 'webgpu', '--adapters', adapters]
    app.dlmc('compile', `models/${file}.dlm`, '-o', `generated/${file}`, ...devices, ...only, '--quiet')
  }
})
afterAll(() => app?.remove())

sameBits(
  () => app,
  device,
  (file) => join(app.folder, 'generated', file),
  isChosen,
)
