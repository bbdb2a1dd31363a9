import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { type GpuDevice, isSoftware, nameOf } from '../../runtime/device.ts'
import { NoDeviceError } from '../../runtime/errors.ts'
import { findDevice, listDevices } from '../../runtime/node/devices.ts'
import { chosenDriver } from '../device/adapter.ts'

const variables = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'] as const
const before = variables.map((name) => [name, process.env[name]] as const)
afterEach(() => {
  for (const [name, value] of before)
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
})

describe('a device', () => {
  it('is a driver in software when asked for by name, and knows how much memory may be used', async () => {
    const { device, target, description } = await findDevice(chosenDriver().name)
    expect(target).toBe('cpu-class')
    expect(description.kind).toBe('software')
    expect((device as GpuDevice).memory).toBeGreaterThan(2 ** 20)
    device!.dispose()
    const { device: same } = await findDevice('software')
    expect(same!.description.kind).toBe('software')
    same!.dispose()
  })

  it('is the processor, said in one line, where there is no Vulkan driver', async () => {
    for (const name of variables) process.env[name] = '/nonexistent'
    const { device, target, description, notice } = await findDevice('auto')
    expect(device!.target).toBe('wasm')
    expect(target).toBe('wasm')
    expect(description.kind).toBe('wasm')
    expect(notice).toMatch(
      /^no GPU was found: running on WebAssembly \(.+\); faster with a GPU and its Vulkan driver.+$/,
    )
    await expect(findDevice('gpu')).rejects.toThrow(NoDeviceError)
    await expect(findDevice('no such thing')).rejects.toThrow(/no device 'no such thing'; choose one of auto, /)
  })

  it('is the processor, quietly, in a process that has no driver', () => {
    // A child, since Dawn writes to the process's stderr past Node.
    const script = `import { createServer } from 'vite'
const server = await createServer({ server: { middlewareMode: true, hmr: false, ws: false }, appType: 'custom', logLevel: 'error', configFile: false })
const { findDevice } = await server.ssrLoadModule('/runtime/node/devices.ts')
console.log((await findDevice('auto')).description.name)
await server.close()
process.exit(0)`
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: { ...process.env, VK_ICD_FILENAMES: '/nonexistent', VK_DRIVER_FILES: '/nonexistent' },
    })
    expect(child.stdout.trim()).toMatch(/^WebAssembly \(\d+ threads?, SIMD with fused multiply-add\)$/)
    expect(child.stderr).toBe('')
  })

  it('can be any; the processor and the reference are always there', async () => {
    expect((await findDevice('wasm')).description.kind).toBe('wasm')
    await expect(findDevice('cpu')).rejects.toThrow(
      /no device 'cpu' any more; `--device wasm` computes on the processor/,
    )
    expect((await findDevice('reference')).description.name).toMatch(/float64/)
  })

  it('is listed with its limits and features, and what is missing with how to install it', async () => {
    const { found, missing } = await listDevices()
    const software = found.find((d) => d.selector === chosenDriver().name)!
    expect(software.limits['maxStorageBuffersPerShaderStage']).toBeGreaterThanOrEqual(8)
    expect(software.features).toContain('subgroups')
    expect(found.some((d) => d.selector === 'wasm')).toBe(true)
    for (const { selector, installation } of missing)
      expect(`${selector}: ${installation}`).toMatch(/install|driver|found/)
    // Listing leaves the environment as it was.
    expect(variables.map((name) => [name, process.env[name]])).toEqual(before)
  })
})

describe('an adapter', () => {
  const info = (parts: Partial<GPUAdapterInfo>) =>
    ({
      vendor: '',
      architecture: '',
      device: '',
      description: '',
      isFallbackAdapter: false,
      ...parts,
    }) as GPUAdapterInfo
  it.each([
    [info({ description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }), true],
    [info({ vendor: 'google', architecture: 'swiftshader' }), true],
    [info({ description: 'Microsoft Basic Render Driver' }), true],
    [info({ vendor: 'apple', isFallbackAdapter: true }), true],
    [info({ vendor: 'nvidia', architecture: 'ada-lovelace', description: 'NVIDIA GeForce RTX 4070' }), false],
    [info({ vendor: 'intel', architecture: 'gen-12lp' }), false],
  ])('%j: software is %s', (adapter, software) => {
    expect(isSoftware(adapter)).toBe(software)
  })
  it('has a name', () => {
    expect(nameOf(info({ vendor: 'nvidia', device: 'nvidia-h200', description: 'NVIDIA: 570.86' }))).toBe(
      'nvidia-h200 (NVIDIA: 570.86)',
    )
    expect(nameOf(info({ vendor: 'nvidia', device: 'geforce-rtx-4070', description: 'NVIDIA GeForce RTX 4070' }))).toBe(
      'NVIDIA GeForce RTX 4070',
    )
    expect(nameOf(info({ device: 'llvmpipe-llvm-15', description: 'llvmpipe: Mesa 25.0.7' }))).toBe(
      'llvmpipe: Mesa 25.0.7',
    )
    expect(nameOf(info({ vendor: 'apple', architecture: 'metal-3' }))).toBe('apple metal-3')
    expect(nameOf(info({}))).toBe('unnamed adapter')
  })
})
