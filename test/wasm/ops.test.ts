/** The primitives as WebAssembly. */
import { opsSuite } from '../device/ops-suite.ts'

opsSuite({ target: 'wasm' })
