import { readFileSync } from 'node:fs'

/** The most memory this process ever held. The usual figure may be the parent's, whose memory a child shares for a moment. */
export function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
}
