/** Small models as WebAssembly. */
import { modelsSuite } from '../device/models-suite.ts'

modelsSuite({ target: 'wasm' })
