/** Small models on the test adapter. */
import { testDevice } from './adapter.ts'
import { modelsSuite } from './models-suite.ts'

const { device } = await testDevice()
// The transformer, whose kernels take long to compile here, runs in its own tests.
modelsSuite({ subgroup: device.adapterInfo.subgroupMinSize }, ['transformerStep'])
