import { describe, expect, it } from 'vitest'
import { findSoftwareVulkan } from '../../runtime/node/vulkan.ts'
import { testDevice } from './adapter.ts'

describe('the adapter of the tests', () => {
  it('is the driver that was chosen', async () => {
    const { driver, description } = await testDevice()
    expect(description).toMatch({ lavapipe: /llvmpipe/, swiftshader: /SwiftShader/, gpu: /./ }[driver])
  })

  it('has SwiftShader at hand on Linux x64 without anything installed', () => {
    if (process.platform !== 'linux' || process.arch !== 'x64') return
    const driver = findSoftwareVulkan('swiftshader')
    expect(driver?.manifest).toMatch(/vk_swiftshader_icd\.json$/)
    expect(driver?.loader).toMatch(/libvulkan\.so\.1$/)
  })
})
