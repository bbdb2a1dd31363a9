import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder for what can be made again (XDG Base Directory Specification 0.8). */
export const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dlm')
