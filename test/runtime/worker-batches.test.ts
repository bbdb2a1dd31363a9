/** Batches filled by a thread are those filled without one, and the thread neither holds nor outlives the process. */
import { execFileSync } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import { buildModules } from './built.ts'

const built = buildModules('runtime/node/worker-batches.ts', 'runtime/data/make-field.ts', 'runtime/data/dataset.ts')
afterAll(built.remove)

/** Runs a script that may import built modules, and returns what it printed. */
function script(text: string): string {
  const imports = [
    'runtime/node/worker-batches.ts',
    'runtime/data/make-field.ts',
    'runtime/data/dataset.ts',
    'runtime/data/batches.ts',
  ]
    .map((module, i) => `const m${i} = await import(${JSON.stringify(built.url(module))})`)
    .join('\n')
  const setup = `
    const { workerBatches } = m0, { makeField } = m1, { makeDataset, splitDataset } = m2, { datasetBatches } = m3
    const array = new Uint8Array(new SharedArrayBuffer(103 * 6)).map((_, i) => i * 7)
    const shared = new Uint8Array(new SharedArrayBuffer(103 * 6)); shared.set(array)
    const column = { file: 'f', examples: 103, shape: [2, 3], values: { kind: 'host', array: shared } }
    const { rest } = splitDataset(makeDataset('D.train', [makeField('x', column, [{ kind: 'scale', by: 1 / 255 }])]), 'D.v', 0.1)
    const wanted = [{ name: 'x', shape: [2, 3], dtype: 'float' }]
    const options = { batch: 10, shuffle: { seed: 3 }, dropLast: false }
    const drain = async (source, limit = 99) => {
      const all = []
      for await (const { examples, fields } of source) {
        all.push([examples, ...fields.get('x')])
        if (all.length === limit) break
      }
      return JSON.stringify(all)
    }
    const threaded = workerBatches(rest, wanted, options), plain = datasetBatches(rest, wanted, options)
    if (threaded.close === undefined) throw new Error('no thread')`
  return execFileSync(process.execPath, ['--input-type=module', '-e', `${imports}\n${setup}\n${text}`], {
    encoding: 'utf8',
    timeout: 60_000,
  })
}

test('the same batches, epoch after epoch, from the middle, and after leaving early', () => {
  const printed = script(`
    for (const [epoch, skip, limit] of [[0, 0], [1, 0], [1, 4], [2, 0, 3], [2, 0], [0, 9, 1], [5, 0]]) {
      const [a, b] = [await drain(threaded.epoch(epoch, skip), limit), await drain(plain.epoch(epoch, skip), limit)]
      console.log(a === b && a.length > 100)
    }`)
  expect(printed.trim().split('\n')).toEqual(new Array(7).fill('true'))
})

test('a process ends while its thread is idle, without closing it', () => {
  expect(script(`await drain(threaded.epoch(0, 0)); console.log('done')`)).toBe('done\n')
})

test('after closing, a new thread starts when it is needed', () => {
  expect(
    script(
      `await drain(threaded.epoch(0, 0)); await threaded.close(); console.log((await drain(threaded.epoch(0, 0))).length > 100)`,
    ),
  ).toBe('true\n')
})
