/** A program's text → the hash that checkpoints carry, so that going on with another text is noticed. */
import { createHash } from 'node:crypto'

export function sourceHash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
