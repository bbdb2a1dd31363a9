/** Token ids said and wanted, a row of `length` for each sequence → how many are right; places whose target is `ignore` do not count. */
export interface Accuracy {
  /** The part of the tokens that are right. */
  readonly token: number
  /** The part of the sequences all of whose tokens are right. */
  readonly sequence: number
}

export function accuracy(
  said: ArrayLike<number>,
  wanted: ArrayLike<number>,
  length: number,
  ignore?: number,
): Accuracy {
  let tokens = 0
  let right = 0
  let sequences = 0
  let whole = 0
  for (let start = 0; start + length <= wanted.length; start += length) {
    let wrong = 0
    let counted = 0
    for (let i = start; i < start + length; i++) {
      if (wanted[i] === ignore) continue
      counted += 1
      if (said[i] !== wanted[i]) wrong += 1
    }
    tokens += counted
    right += counted - wrong
    sequences += 1
    if (wrong === 0) whole += 1
  }
  return { token: tokens === 0 ? 0 : right / tokens, sequence: sequences === 0 ? 0 : whole / sequences }
}
