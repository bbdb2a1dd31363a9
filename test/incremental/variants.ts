/** Causal models as people write them, and models that look ahead: what the incremental form must and must not be derived for. */
export interface Variant {
  readonly name: string
  readonly text: string
  readonly dims?: Readonly<Record<string, number>>
}

const tokens = 'input text: int[batch, T]'
const model = (...lines: readonly string[]): string =>
  `model M {\n  ${lines.join('\n  ').replaceAll('\n', '\n  ')}\n}\n`
const decoder = (options: string, positions = '') =>
  model(
    tokens,
    `let x = text |> Embedding(7, 12)${positions}`,
    `output logits = Encoder(2, 12, 3, 20, ${options})(x, causal_mask(T)) |> Linear(7)`,
  )
const attention = (...lines: readonly string[]) =>
  model(
    tokens,
    'let x = text |> Embedding(7, 8)',
    'let q = x |> Linear(8)',
    'let k = x |> Linear(8)',
    'let v = x |> Linear(6)',
    'let i = expand(arange(T), 1)',
    'let j = expand(arange(T), 0)',
    'let score = q @ transpose(k) / sqrt(8)',
    ...lines,
    'output logits = y |> Linear(7)',
  )

export const causal: readonly Variant[] = [
  { name: 'a transformer, normalized after', text: decoder('0.0') },
  {
    name: 'a transformer, normalized before, sinusoidal',
    text: decoder('0.0, pre_norm: true', ' |> SinusoidalPositions()'),
  },
  { name: 'rotary positions', text: decoder('0.0, pre_norm: true, turn: true') },
  { name: 'learned positions', text: decoder('0.0, activation: gelu', ' |> LearnedPositions(32, 12)') },
  {
    name: 'attention to a few places before',
    text: attention('let y = softmax(where(window_mask(T, 3, causal: true), score, -inf)) @ v'),
  },
  { name: 'a mask that is added', text: attention('let y = softmax(score + where(j <= i, 0.0, -inf)) @ v') },
  { name: 'a mask of -1e9', text: attention('let y = softmax(where(i < j, -1e9, score)) @ v') },
  { name: 'a mask that is multiplied', text: attention('let y = (score * float(i >= j)) @ v') },
  {
    name: 'a penalty for distance',
    text: attention(
      'param fade: float[1] = uniform(0, 0.1)',
      'let y = softmax(where(j > i, -inf, score - fade * float(i - j))) @ v',
    ),
  },
  {
    name: 'relative positions by a table',
    text: attention(
      'param table: float[64] = normal(0, 1)',
      'let bias = gather(table, i - j + 32, axis: 0)',
      'let y = softmax(where(j <= i, score + bias, -inf)) @ v',
    ),
  },
  { name: 'weights that are not normalized', text: attention('let y = where(j <= i, sigmoid(score), 0.0) @ v') },
  {
    name: 'a sum over keys written out',
    text: attention(
      'let weight = softmax(where(j <= i, score, -inf))',
      'let y = sum(expand(weight, -1) * expand(v, 1), axis: 2)',
    ),
  },
  {
    name: 'padding hidden too',
    text: attention('let y = softmax(where(expand(j <= i, 0) and (padding_mask(text) or i == j), score, -inf)) @ v'),
  },
  {
    name: 'additive attention to itself',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 8)',
      'output logits = AdditiveAttention(5)(x, x, causal_mask(T)) |> Linear(7)',
    ),
  },
  {
    name: 'linear attention by running sums',
    text: attention(
      'let (f, g) = (exp(q), exp(k))',
      'let memory = cumsum(expand(g, 3) * expand(v, 2), axis: 1)',
      'let norm = cumsum(g, axis: 1)',
      'let y = einsum("b t k, b t k v -> b t v", f, memory) / expand(sum(f * norm, axis: -1), -1)',
    ),
  },
  {
    name: 'the mean so far, without the last',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 8)',
      'let before = cumsum(x, axis: 1, exclusive: true) / maximum(float(reshape(arange(T), [T, 1])), 1)',
      'output logits = concat([x, before]) |> Linear(7)',
    ),
  },
  {
    name: 'a convolution padded on the left',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 8) |> rearrange("b t c -> b c t")',
      'let y = Conv1d(6, 3, padding: 2)(x)[:, :, :T] |> relu',
      'output logits = Conv1d(7, 2, padding: 4, dilation: 4)(y)[:, :, :T] |> rearrange("b c t -> b t c")',
    ),
  },
  {
    name: 'shifts',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 8)',
      'let one = concat([zeros([batch, 1, 8]), x[:, :-1]], axis: 1)',
      'let two = pad(tanh(x + one), 2, 0, axis: 1)[:, :T]',
      'output logits = concat([x, one, two]) |> Linear(7)',
    ),
  },
  {
    name: 'a shift before a recurrence and a running sum',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 8)',
      'let one = concat([ones([batch, 1, 8]), x[:, :-1]], axis: 1)',
      'output logits = concat([GRU(6)(one).all, cumsum(one, axis: 1)]) |> Linear(7)',
    ),
  },
  {
    name: 'stacked recurrent layers',
    text: model(tokens, 'output logits = Recurrent(LSTM, 6, layers: 3)(Embedding(7, 5)(text)).all |> Linear(7)'),
  },
  {
    name: 'a plain recurrent layer',
    text: model(tokens, 'output logits = RNN(6)(Embedding(7, 5)(text)).all |> Linear(7)'),
  },
  {
    name: 'a recurrence with masked steps',
    text: model(tokens, 'output logits = GRU(6)(Embedding(7, 5)(text), mask: text != 0).all |> Linear(7)'),
  },
  {
    name: 'a recurrence under attention',
    text: model(
      tokens,
      'let x = GRU(8)(Embedding(7, 5)(text)).all',
      'output logits = Encoder(1, 8, 2, 12, 0.0)(x, causal_mask(T)) |> Linear(7)',
    ),
  },
  {
    name: 'a cell of ones own that counts',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 6)',
      'let clock = float(arange(T)) / 10',
      'scan x_t in x, now in clock along T',
      '  carry h: float[batch, 6] = zeros, n: float[] = 0',
      '{',
      '  next h = tanh(x_t + now * h) * 0.9 + 0.1 * h',
      '  next n = n + 1',
      '  yield all = h / n',
      '}',
      'output logits = all |> Linear(7)',
    ),
  },
  {
    name: 'features in, features out, in two outputs',
    text: model(
      'input x: float[batch, T, 3]',
      'let h = LSTM(5)(x).all',
      'output level = h |> Linear(2)',
      'output risen: bool[batch, T] = h[:, :, 0] > 0',
    ),
  },
  {
    name: 'two streams in step',
    text: model(
      tokens,
      'input speaker: int[batch, T]',
      'let x = Embedding(7, 8)(text) + Embedding(5, 8)(speaker)',
      'output logits = Encoder(1, 8, 2, 12, 0.0)(x, causal_mask(T)) |> Linear(7)',
    ),
  },
  {
    name: 'weights shared by a loop over depth',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 8)',
      'layer block = EncoderBlock(8, 2, 12, 0.0)',
      'scan along 3',
      '  carry h: float[batch, T, 8] = x',
      '{',
      '  next h = block(h, causal_mask(T))',
      '}',
      'output logits = h |> Linear(7)',
    ),
  },
  {
    name: 'an encoder and a decoder',
    text: model(
      'input word: int[batch, S]',
      'input said: int[batch, T]',
      'let known = padding_mask(word) or zeros([1, 1, S]) == 0',
      'let memory = Encoder(1, 8, 2, 12, 0.0)(Embedding(6, 8)(word) |> SinusoidalPositions(), known)',
      'let x = Embedding(7, 8)(said) |> SinusoidalPositions()',
      'output logits = Decoder(2, 8, 2, 12, 0.0)(x, memory, memory_mask: known) |> Linear(7)',
    ),
  },
  {
    name: 'a source as long as what is said of it',
    text: model(
      'input word: int[batch, T]',
      'input said: int[batch, T]',
      'let memory = Encoder(1, 8, 2, 12, 0.0)(Embedding(6, 8)(word))',
      'output logits = Decoder(1, 8, 2, 12, 0.0)(Embedding(7, 8)(said), memory) |> Linear(7)',
    ),
  },
  {
    name: 'additive attention inside the decoder of a recurrence',
    text: model(
      'input word: int[batch, S]',
      'input said: int[batch, T]',
      'let source = Bidirectional(GRU, 4)(Embedding(6, 5)(word))',
      'let x = Embedding(7, 8)(said)',
      'layer look = AdditiveAttention(6)',
      'layer mix = Linear(8)',
      'scan x_t in x along T',
      '  carry h: float[batch, 8] = source.last',
      '{',
      '  let seen = look(expand(h, 1), source.all)',
      '  next h = tanh(mix(concat([x_t, h, squeeze(seen, axis: 1)])))',
      '  yield all = h',
      '}',
      'output logits = all |> Linear(7)',
    ),
  },
  {
    name: 'a prefix that all positions see',
    text: model(
      'input word: int[batch, S]',
      'input said: int[batch, T]',
      'let memory = Embedding(6, 8)(word)',
      'let x = Embedding(7, 8)(said)',
      'let both = concat([memory, x], axis: 1)',
      'let score = Linear(8)(x) @ transpose(Linear(8)(both)) / sqrt(8)',
      'let mask = expand(arange(S + T), 0) <= expand(arange(T), 1) + S',
      'output logits = softmax(where(mask, score, -inf)) @ both |> Linear(7)',
    ),
  },
  { name: 'a table of what follows', text: model(tokens, 'output logits = Embedding(7, 7)(text)') },
]

/** What looks ahead, and the line that is named. */
export const ahead: readonly (Variant & { readonly says: RegExp })[] = [
  {
    name: 'attention without a mask',
    text: model(tokens, 'output logits = Encoder(1, 8, 2, 12, 0.0)(Embedding(7, 8)(text)) |> Linear(7)'),
    says: /all positions are read here/,
  },
  {
    name: 'a mask that is data',
    text: model(
      tokens,
      'input mask: bool[T, T]',
      'output logits = Encoder(1, 8, 2, 12, 0.0)(Embedding(7, 8)(text), mask) |> Linear(7)',
    ),
    says: /all positions are read here/,
  },
  {
    name: 'a mask off by one',
    text: attention('let y = softmax(where(j <= i + 1, score, -inf)) @ v'),
    says: /a later position is read here/,
  },
  {
    name: 'a mask that hides too little',
    text: attention('let y = softmax(where(j <= i, score, -10.0)) @ v'),
    says: /all positions are read here/,
  },
  {
    name: 'both directions',
    text: model(tokens, 'output logits = Bidirectional(LSTM, 4)(Embedding(7, 5)(text)).all |> Linear(7)'),
    says: /runs from the end/,
  },
  {
    name: 'the last state',
    text: model(
      tokens,
      'let read = GRU(4)(Embedding(7, 5)(text))',
      'output logits = read.all + expand(read.last, 1) |> Linear(7)',
    ),
    says: /only after the last position/,
  },
  {
    name: 'the mean of all',
    text: model(
      tokens,
      'let x = Embedding(7, 5)(text)',
      'output logits = x - mean(x, axis: 1, keep: true) |> Linear(7)',
    ),
    says: /all positions are read here/,
  },
  {
    name: 'sums from the end',
    text: model(tokens, 'output logits = cumsum(Embedding(7, 5)(text), axis: 1, reverse: true) |> Linear(7)'),
    says: /runs from the end/,
  },
  {
    name: 'the next word',
    text: model(
      tokens,
      'let x = Embedding(7, 5)(text)',
      'output logits = concat([x[:, 1:], zeros([batch, 1, 5])], axis: 1) |> Linear(7)',
    ),
    says: /a later position is read here/,
  },
  {
    name: 'a convolution padded on both sides',
    text: model(
      tokens,
      'let x = text |> Embedding(7, 8) |> rearrange("b t c -> b c t")',
      'output logits = Conv1d(7, 3, padding: 1)(x) |> rearrange("b c t -> b t c")',
    ),
    says: /a later position is read here/,
  },
  {
    name: 'sequences turned round',
    text: model(tokens, 'output logits = flip(Embedding(7, 5)(text), axis: 1) |> Linear(7)'),
    says: /position/,
  },
]
