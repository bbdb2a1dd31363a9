/** Flag values of the WebGPU specification (§5.1.2, §5.1.3): Node has no such globals until someone sets them. */
/** `storage`: bound as uniform as well. */
export const bufferUsage = { mapRead: 0x01, copySource: 0x04, copyTarget: 0x08, storage: 0xc0 } as const
export const shaderStageCompute = 0x4
export const mapModeRead = 0x1
