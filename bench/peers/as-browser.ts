/** Imported before a library that looks for WebGPU while it loads. */
import { installBrowser } from './browser.ts'

installBrowser(process.argv[3]!)
