/** Recurrences that keep their carries alone: the same gradients on the reference and on devices, less memory, one kernel still. */
import { afterAll, describe, expect, it } from 'vitest'
import { compile } from '../../compiler/pipeline.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import { findDevice } from '../../runtime/node/devices.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { randomStream } from '../../runtime/random.ts'
import { elements, evaluate } from '../../runtime/size.ts'
import { carryModels } from './carry-models.ts'
import { checkText } from './cases.ts'
import { difference } from './fixtures.ts'

providePlatform()
const devices = await Promise.all([process.env['DLM_ADAPTER'] ?? 'software', 'wasm'].map(findDevice))
afterAll(() => devices.forEach(({ device }) => void device!.dispose()))

/** A step that looks at a memory, and one that draws its mask anew. */
const attentive = `model M {
  input x: float[batch, T, 3]
  input memory: float[batch, S, 5]
  target y: float[batch, T, 4]
  param w: float[12, 12] = uniform(0.4)
  param key: float[4, 5] = uniform(0.4)
  scan x_t in x along T
    carry h: float[batch, 4] = zeros, c: float[batch, 4] = zeros
  {
    let score = sum(expand(h @ key, 1) * memory, axis: -1)
    let seen = sum(expand(softmax(score), -1) * memory, axis: 1)
    let (i, f, o) = split(concat([x_t, seen, h]) @ w, 3, axis: -1)
    next c = sigmoid(f) * c + sigmoid(i) * tanh(cumsum(o, axis: -1))
    next h = tanh(c) * sigmoid(o)
    yield all = h * max(c, axis: -1, keep: true)
  }
  output states = all
  loss mse(all, y)
}
`
const models: readonly (readonly [string, string])[] = [
  ...carryModels.map(({ title, text }) => [title, text(false)] as const),
  ['attention inside the step', attentive],
]

const sizes: Readonly<Record<string, number>> = { batch: 3, T: 7, S: 2 }
type Found = Awaited<ReturnType<typeof findDevice>>

async function gradientsOf(text: string, rematerialise: number | undefined, found?: Found) {
  const place = found?.device
  const { program, simplified } = compile(checkText(text), {
    model: 'M',
    entries: ['gradients'],
    rematerialise,
    verify: true,
    ...(place && { target: place.target, subgroup: place.subgroup }),
  })
  const dims = Object.fromEntries(program.dims.map((name) => [name, sizes[name]!]))
  const description = { kind: 'reference', name: 'reference' } as const
  const session = place
    ? await place.open(program, { dims, entries: ['gradients'], poison: true })
    : await openReference(simplified, program, { dims, entries: ['gradients'], precision: 'float64', description })
  try {
    for (const { name, role, shape } of program.tensors)
      if (role === 'input' || role === 'target' || role === 'parameter') {
        const random = randomStream(5, name)
        session.write(
          name,
          Float32Array.from({ length: elements(shape, dims) }, () => 0.4 * random.normal()),
        )
      }
    await session.run('gradients')
    const results = new Map<string, ArrayLike<number>>()
    for (const name of program.entries[0]!.outputs) results.set(name, Array.from(await session.read(name)))
    return results
  } finally {
    session.dispose()
  }
}

/** Kernels take long to compile on the adapter: these have every form among them. */
const onAdapter = [carryModels[0]!.title, 'attention inside the step']

describe.each(models)('%s', (title, text) => {
  const places = devices.filter(({ device }) => device!.target === 'wasm' || onAdapter.includes(title))
  it.each([
    ['the reference', undefined, 1e-6] as const,
    ...places.map((found) => [found.description.name, found, 1e-4] as const),
  ])('on %s', { timeout: 120_000 }, async (_, found, tolerance) => {
    const wanted = await gradientsOf(text, undefined)
    const given = await gradientsOf(text, 1, found)
    for (const [name, values] of wanted) expect(difference(given.get(name)!, values), name).toBeLessThan(tolerance)
  })
})

describe.each(['gpu', 'cpu-class', 'wasm'] as const)('an LSTM of 64 over 2048 steps for %s', (target) => {
  const text = `model M {
  input x: float[batch, T, 16]
  target y: float[batch, T, 64]
  output h = LSTM(64)(x).all
  loss mse(h, y)
}
train { model: M; optimizer: sgd(lr: 0.1); batch: 8; steps: 1 }
`
  const compiled = (rematerialise?: number) => {
    const program = checkText(text)
    const train = program.trains[0]!
    return compile(program, { model: 'M', entries: ['step'], train, target, subgroup: 8, rematerialise }).program
  }
  const bytes = (rematerialise?: number) =>
    evaluate(compiled(rematerialise).footprint.training!.bytes, { batch: 8, T: 2048 })

  it('takes less by a third and more', () => expect(bytes(1) / bytes()).toBeLessThan(0.67))
  it('has no loop of dispatches for it', () => {
    const loops = (rematerialise?: number) =>
      compiled(rematerialise)
        .entries.flatMap(({ recurrences = [] }) => recurrences)
        .filter(({ stop }) => stop).length
    expect(loops(1)).toBe(loops())
  })
})
