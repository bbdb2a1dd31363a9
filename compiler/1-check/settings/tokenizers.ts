/** `chars(96)`, `bytes`, `words(5000)`, `bpe(1000)` → how text becomes tokens. One row per tokenizer. */
import type { TokenizerDescription } from '../../../runtime/abi.ts'
import { type Kind, kinds, namedCall, readArguments, refuse, required } from './kind.ts'

/** Least sizes: the four special tokens and one more; for byte pairs, all bytes. */
const least = { chars: 5, words: 5, bpe: 260 } as const

export const tokenizer: Kind<TokenizerDescription> = {
  expects: '`bytes`, `chars(size)`, `words(size)` or `bpe(size)`',
  read(expression, environment, what) {
    const call = namedCall(expression)
    const name = call?.name
    if (call && name === 'bytes') return readArguments(call, {}, environment) && { kind: name }
    if (!call || !(name === 'chars' || name === 'words' || name === 'bpe'))
      return refuse(environment, expression.span, what, tokenizer.expects, call ? `\`${name}\`` : 'something else')
    const read = readArguments(call, { size: required(kinds.count) }, environment)
    if (read && read.size < least[name])
      return refuse(
        environment,
        expression.span,
        `\`size\` of \`${name}\``,
        `at least ${least[name]}`,
        String(read.size),
      )
    return read && { kind: name, ...read }
  },
}
