/** Attention kernels as WebAssembly. */
import { attentionSuite } from '../device/attention-suite.ts'

attentionSuite((seed) => ({ target: 'wasm', seed }))
