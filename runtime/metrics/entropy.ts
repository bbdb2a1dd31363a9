/** A mean loss in nats for each token → the usual ways to say it. */

/** How many equally likely tokens would be as hard to guess. */
export function perplexity(nats: number): number {
  return Math.exp(nats)
}

/** Bits for each token; of a character model, bits per character. */
export function bits(nats: number): number {
  return nats / Math.LN2
}

/** Bits per character where a token stands for several: `tokens` of them said `characters`. */
export function bitsPerCharacter(nats: number, tokens: number, characters: number): number {
  return (bits(nats) * tokens) / characters
}
