/**
 * ‖∂L/∂h_t‖ on demand: the norms that `record: carries` gives, on the reference and on devices, against the float64 gradient
 * at a nudge of 0 that is added to the carry, and that against differences of the loss.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { compile } from '../../compiler/pipeline.ts'
import { openReference } from '../../compiler/reference/executor.ts'
import { readCarryNorms } from '../../runtime/carry-norms.ts'
import type { Executor } from '../../runtime/executor.ts'
import { findDevice } from '../../runtime/node/devices.ts'
import { providePlatform } from '../../runtime/node/platform.ts'
import { randomStream } from '../../runtime/random.ts'
import { elements } from '../../runtime/size.ts'
import { type CarryModel, carryModels } from './carry-models.ts'
import { checkText } from './cases.ts'

providePlatform()
const devices = await Promise.all([process.env['DLM_ADAPTER'] ?? 'software', 'wasm'].map(findDevice))
afterAll(() => devices.forEach(({ device }) => void device!.dispose()))

const [batch, T, S] = [3, 7, 2]
const description = { kind: 'reference', name: 'reference' } as const
type Found = Awaited<ReturnType<typeof findDevice>>

async function open(text: string, found: Found | undefined, record: readonly ['carries'] | readonly []) {
  const place = found?.device
  const options = { model: 'M', entries: ['gradients'] as const, record, verify: true }
  const { program, simplified } = compile(checkText(text), {
    ...options,
    ...(place && { target: place.target, subgroup: place.subgroup }),
  })
  const all: Record<string, number> = { batch, T, S }
  const dims = Object.fromEntries(program.dims.map((name) => [name, all[name]!]))
  const session = place
    ? await place.open(program, { dims, entries: ['gradients'], poison: true })
    : await openReference(simplified, program, { dims, entries: ['gradients'], precision: 'float64', description })
  for (const { name, role, shape } of session.program.tensors)
    if (role === 'input' || role === 'target' || role === 'parameter') {
      const random = randomStream(5, name)
      const values = Float32Array.from({ length: elements(shape, dims) }, () => 0.4 * random.normal())
      session.write(name, name.startsWith('nudge') ? values.fill(0) : values)
    }
  return session
}

const recorded = async (session: Executor) => {
  await session.run('gradients')
  return readCarryNorms(session, 'gradients')
}

/** The norms over the batch of a gradient [batch, steps …, width], by step. */
function normsOf(gradient: ArrayLike<number>, steps: number): number[] {
  const width = gradient.length / batch / steps
  return Array.from({ length: steps }, (_, t) => {
    const at = (n: number) => Array.from(gradient).slice((n * steps + t) * width, (n * steps + t + 1) * width)
    return Math.hypot(...Array.from({ length: batch }, (_, n) => at(n)).flat())
  })
}

async function byNudges({ text, carries }: CarryModel): Promise<ReadonlyMap<string, readonly number[]>> {
  const session = await open(text(true), undefined, [])
  await session.run('gradients')
  const norms = new Map<string, number[]>()
  for (const [name, { nudge, depth }] of carries)
    norms.set(name, normsOf(await session.read(`grad.${nudge}`), depth === 1 ? T : T * S))
  return norms
}

describe.each(carryModels.map((each) => [each.title, each] as const))('%s', (_, model) => {
  it('the gradient at a nudge is what differences of the loss say', async () => {
    const session = await open(model.text(true), undefined, [])
    await session.run('gradients')
    const gradients = new Map<string, ArrayLike<number>>()
    for (const { nudge } of model.carries.values()) gradients.set(nudge, await session.read(`grad.${nudge}`))
    const loss = async () => {
      await session.run('gradients')
      return (await session.read('loss'))[0]!
    }
    for (const [nudge, gradient] of gradients) {
      const size = Math.max(...Array.from(gradient, Math.abs))
      // An exact power of two, so that the nudge itself is not rounded; the loss is told in float32.
      const step = 2 ** -7
      for (let i = 0; i < gradient.length; i += 13) {
        const nudged = async (by: number) => {
          session.write(nudge, new Float32Array(gradient.length).fill(by, i, i + 1))
          return loss()
        }
        const central = async (h: number) => ((await nudged(h)) - (await nudged(-h))) / (2 * h)
        // Richardson: the error of two steps cancels to the fourth order.
        const slope = (4 * (await central(step)) - (await central(2 * step))) / 3
        expect(Math.abs(slope - gradient[i]!)).toBeLessThan(1e-4 * size + 1e-5)
      }
      session.write(nudge, new Float32Array(gradient.length))
    }
  })

  it.each([
    ['the reference', undefined, 1e-6] as const,
    ...devices.map((found) => [found.description.name, found, 1e-4] as const),
  ])('on %s', { timeout: 120_000 }, async (_, found, tolerance) => {
    const wanted = await byNudges(model)
    const session = await open(model.text(false), found, ['carries'])
    try {
      const norms = await recorded(session)
      expect(Object.keys(norms).sort()).toEqual([...wanted.keys()].sort())
      for (const [name, values] of wanted) {
        const given = norms[name]!
        expect(given.length).toBe(values.length)
        const worst = values.map((value, t) => Math.abs(given[t]! - value) / (value || 1))
        expect(Math.max(...worst), name).toBeLessThan(tolerance)
      }
    } finally {
      session.dispose()
    }
  })
})

it('costs nothing that was not asked for', () => {
  const text = carryModels[0]!.text(false)
  const compiled = (record: readonly ('gradients' | 'carries')[] | undefined) =>
    compile(checkText(text), { model: 'M', entries: ['gradients'], ...(record && { record }) }).program
  expect(compiled(undefined)).toEqual(compiled([]))
  expect(compiled(undefined).tensors.some(({ name }) => name.includes('carry'))).toBe(false)
  expect(compiled(['carries']).tensors.filter(({ name }) => name.includes('carry')).length).toBe(2)
})
