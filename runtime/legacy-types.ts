/// <reference types="@webgpu/types" preserve="true" />
/** The runtime's types for TypeScript before 6, whose DOM library does not have WebGPU. The package's `exports` choose. */
export * from './index.ts'
