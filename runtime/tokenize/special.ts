/** The ids that mean the same in every vocabulary: they fill up, begin, end, and stand for what the vocabulary lacks. */
export const specialTokens = ['<pad>', '<bos>', '<eos>', '<unk>'] as const
export const special = { pad: 0, bos: 1, eos: 2, unk: 3 } as const
