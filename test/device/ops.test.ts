/** The primitives on the test adapter. */
import { testDevice } from './adapter.ts'
import { opsSuite } from './ops-suite.ts'

const { device } = await testDevice()
opsSuite({ subgroup: device.adapterInfo.subgroupMinSize })
