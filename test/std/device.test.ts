/** The standard library on the test adapter. */
import { testDevice } from '../device/adapter.ts'
import { standardLibrarySuite } from './device-suite.ts'

const { device } = await testDevice()
standardLibrarySuite({ subgroup: device.adapterInfo.subgroupMinSize })
