/// Task: say the next character of plain English text (the Brown corpus, whole texts held out), knowing all before it.
/// Size: 834,304 parameters; 826,368 with 65 characters. A smaller one (`dlmc train … Small`, seed 1) passes 2.83 bits a character on
/// the test texts after 2,000 steps, 3 minutes with `--device lavapipe` on two cores; with `--device wasm` as well.
/// Source: Radford et al., "Improving language understanding by generative pre-training", 2018, normalized first as in
/// Radford et al., "Language models are unsupervised multitask learners", 2019.
const vocabulary = 96

model Gpt(vocabulary: int = vocabulary, dim: int = 128, layers: int = 4, heads: int = 4, hidden: int = 512, length: int = 128, dropout: float = 0) {
  input  text: int[batch, T]
  target next: int[batch, T]

  layer decoder = Encoder(layers, dim, heads, hidden, dropout, pre_norm: true, activation: gelu_tanh)

  let x = text |> token: Embedding(vocabulary, dim) |> position: LearnedPositions(length, dim) |> dropout(dropout)
  output logits = decoder(x, causal_mask(T)) |> head: Linear(vocabulary, bias: false)

  loss   cross_entropy(logits, next)
  metric bits = cross_entropy(logits, next) / log(2.0)
  metric accuracy = accuracy(logits, next)
}

// `npm run data brown` puts the files there.
data English {
  train {
    text = text("../../data/brown/train.txt") |> tokenize(chars(vocabulary)) |> window(128)
    next = text("../../data/brown/train.txt") |> tokenize(chars(vocabulary)) |> window(128, ahead: 1)
  }
  validation {
    text = text("../../data/brown/validation.txt") |> tokenize(chars(vocabulary)) |> window(128)
    next = text("../../data/brown/validation.txt") |> tokenize(chars(vocabulary)) |> window(128, ahead: 1)
  }
  test {
    text = text("../../data/brown/test.txt") |> tokenize(chars(vocabulary)) |> window(128)
    next = text("../../data/brown/test.txt") |> tokenize(chars(vocabulary)) |> window(128, ahead: 1)
  }
}

/// The same in short windows.
data Short {
  train {
    text = text("../../data/brown/train.txt") |> tokenize(chars(vocabulary)) |> window(64)
    next = text("../../data/brown/train.txt") |> tokenize(chars(vocabulary)) |> window(64, ahead: 1)
  }
  validation {
    text = text("../../data/brown/validation.txt") |> tokenize(chars(vocabulary)) |> window(64)
    next = text("../../data/brown/validation.txt") |> tokenize(chars(vocabulary)) |> window(64, ahead: 1)
  }
  test {
    text = text("../../data/brown/test.txt") |> tokenize(chars(vocabulary)) |> window(64)
    next = text("../../data/brown/test.txt") |> tokenize(chars(vocabulary)) |> window(64, ahead: 1)
  }
}

/// A size for two cores.
train Small {
  model: Gpt(dim: 64, layers: 2, heads: 4, hidden: 256, length: 64)
  data: Short
  optimizer: adamw(lr: cosine(3e-3, steps: 2000, warmup: 100), beta2: 0.95, weight_decay: 0.1)
  clip_norm: 1.0
  batch: 16
  steps: 2000
  validate: every(1000)
  seed: 1
}

train Full {
  model: Gpt(dropout: 0.1)
  data: English
  optimizer: adamw(lr: cosine(1e-3, steps: 3000, warmup: 100), beta2: 0.95, weight_decay: 0.1)
  clip_norm: 1.0
  batch: 16
  steps: 3000
  seed: 1
}

test "what each part has" {
  expect parameters(Gpt(vocabulary: 65), "token.*") == 65 * 128
  expect parameters(Gpt(vocabulary: 65), "position.*") == 128 * 128
  expect parameters(Gpt(vocabulary: 65), "decoder.block[0].attention.*") == 4 * 128 * 129
  expect parameters(Gpt(vocabulary: 65), "decoder.block[0].*") == 198272
  expect parameters(Gpt(vocabulary: 65)) == 826368
  expect parameters(Gpt) == 834304
}
