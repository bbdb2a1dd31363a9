/** The standard library as WebAssembly. */
import { standardLibrarySuite } from '../std/device-suite.ts'

standardLibrarySuite({ target: 'wasm' })
