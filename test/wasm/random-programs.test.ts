/** Random programs as WebAssembly. */
import { randomProgramsSuite } from '../device/random-programs-suite.ts'

randomProgramsSuite(400, (seed) => ({ target: 'wasm', seed }))
