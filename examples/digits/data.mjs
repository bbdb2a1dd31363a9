/** 6,000 digits of MNIST for training in the page and 1,000 to test on, as raw bytes: 5.5 MB instead of 55. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const from = (name) => readFileSync(new URL(`../../data/mnist/${name}`, import.meta.url))
const to = new URL('./public/', import.meta.url)
mkdirSync(to, { recursive: true })
for (const [name, images, labels, count] of [
  ['train', 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 6000],
  ['test', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte', 1000],
]) {
  // An IDX file: 16 bytes before images, 8 before labels.
  writeFileSync(new URL(`${name}-images.bin`, to), from(images).subarray(16, 16 + count * 784))
  writeFileSync(new URL(`${name}-labels.bin`, to), from(labels).subarray(8, 8 + count))
}
