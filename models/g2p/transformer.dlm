/// Task: say how an English word is pronounced: letters in, phonemes out (the CMU pronouncing dictionary, 39 phonemes
/// without stress).
/// Size: 1,011,499 parameters as trained here; encoder and decoder have 44,140,544 in the paper's base size and 176,361,472
/// in its big one, embeddings apart. `dlmc train … Overfit --device lavapipe` (seed 1) learns 512 pairs by heart in 600 steps,
/// 80 seconds on two cores; all 512 words are then said rightly (greedily, `dlmc evaluate … --part train`).
/// `dlmc train … Tiny` comes in 5,000 steps to 14.9 % phoneme and 50.6 % word error on the 12,788 words held out (`dlmc evaluate`)
/// with `--device lavapipe`, 26 minutes beside other work, and to 15.0 % and 50.6 % with `--device wasm`. The literature has 5.2 % and 22 % for a larger one,
/// trained to its end.
/// Source: Vaswani et al., "Attention is all you need", 2017; the task as in Yolchuyeva, Németh and Gyires-Tóth,
/// "Transformer based grapheme-to-phoneme conversion", 2019.
const letters = 48
const phonemes = 43

model Transformer(layers: int = 3, dim: int = 128, heads: int = 4, hidden: int = 256, dropout: float = 0.1, smoothing: float = 0.1) {
  input  word: int[batch, S]
  input  spoken: int[batch, T]
  target phoneme: int[batch, T]

  layer encoder = Encoder(layers, dim, heads, hidden, dropout)
  layer decoder = Decoder(layers, dim, heads, hidden, dropout)

  let known = padding_mask(word)
  let letter = (word |> letter: Embedding(letters, dim)) * sqrt(dim) |> SinusoidalPositions() |> dropout(dropout)
  let before = (spoken |> sound: Embedding(phonemes, dim)) * sqrt(dim) |> SinusoidalPositions() |> dropout(dropout)

  let memory = encoder(letter, known)
  output logits = decoder(before, memory, memory_mask: known) |> head: Linear(phonemes)

  loss cross_entropy(logits, phoneme, smoothing: if training then smoothing else 0, ignore: 0)
  let right = argmax(logits, axis: -1) == phoneme
  metric accuracy = masked_mean(float(right), phoneme != 0)
  metric words = mean(all(right or phoneme == 0, axis: -1))
}

// `npm run data cmudict` puts the files there.
data Dictionary {
  train {
    word = csv("../../data/cmudict/train.tsv", columns: ["word"]) |> tokenize(chars(letters)) |> truncate(20) |> pad([8, 12, 20])
    spoken = csv("../../data/cmudict/train.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> begin |> pad([9, 13, 21])
    phoneme = csv("../../data/cmudict/train.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> end |> pad([9, 13, 21])
  }
  validation {
    word = csv("../../data/cmudict/validation.tsv", columns: ["word"]) |> tokenize(chars(letters)) |> truncate(20) |> pad([8, 12, 20])
    spoken = csv("../../data/cmudict/validation.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> begin |> pad([9, 13, 21])
    phoneme = csv("../../data/cmudict/validation.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> end |> pad([9, 13, 21])
  }
  test {
    word = csv("../../data/cmudict/test.tsv", columns: ["word"]) |> tokenize(chars(letters)) |> truncate(20) |> pad([8, 12, 20])
    spoken = csv("../../data/cmudict/test.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> begin |> pad([9, 13, 21])
    phoneme = csv("../../data/cmudict/test.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> end |> pad([9, 13, 21])
  }
}

/// 512 pairs, spread over the alphabet: what can learn at all learns them by heart.
data Few {
  train {
    word = csv("../../data/cmudict/few.tsv", columns: ["word"]) |> tokenize(chars(letters)) |> truncate(20) |> pad([8, 12, 20])
    spoken = csv("../../data/cmudict/few.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> begin |> pad([9, 13, 21])
    phoneme = csv("../../data/cmudict/few.tsv", columns: ["phonemes"]) |> tokenize(words(phonemes)) |> truncate(20) |> end |> pad([9, 13, 21])
  }
}

/// Learns 512 pairs by heart.
train Overfit {
  model: Transformer(layers: 2, dim: 64, heads: 4, hidden: 128, dropout: 0, smoothing: 0)
  data: Few
  optimizer: adam(lr: cosine(3e-3, steps: 600, warmup: 50), beta2: 0.98)
  clip_norm: 1.0
  batch: 64
  steps: 600
  monitor: max("words")
  seed: 1
}

/// A size for two cores: two layers of 64.
train Tiny {
  model: Transformer(layers: 2, dim: 64, heads: 4, hidden: 128, dropout: 0, smoothing: 0)
  data: Dictionary
  optimizer: adam(lr: cosine(2e-3, steps: 5000, warmup: 200), beta2: 0.98)
  clip_norm: 1.0
  batch: 64
  steps: 5000
  validate: every(1000)
  average_last: 3
  seed: 1
}

/// A size for a small machine.
train Small {
  model: Transformer
  data: Dictionary
  optimizer: adam(lr: noam(dim: 128, warmup: 1000), beta2: 0.98, eps: 1e-9)
  clip_norm: 1.0
  batch: 64
  steps: 8000
  validate: every(1000)
  average_last: 3
  seed: 1
}

/// The paper's base size.
train Base {
  model: Transformer(layers: 6, dim: 512, heads: 8, hidden: 2048)
  data: Dictionary
  optimizer: adam(lr: noam(dim: 512, warmup: 4000), beta2: 0.98, eps: 1e-9)
  batch: 256
  steps: 100000
  validate: every(1000)
  average_last: 5
  seed: 1
}

/// The paper's big size.
train Big {
  model: Transformer(layers: 6, dim: 1024, heads: 16, hidden: 4096, dropout: 0.3)
  data: Dictionary
  optimizer: adam(lr: noam(dim: 1024, warmup: 4000), beta2: 0.98, eps: 1e-9)
  batch: 256
  steps: 300000
  validate: every(1000)
  average_last: 20
  seed: 1
}

test "encoder and decoder in the paper's sizes" {
  let base = Transformer(layers: 6, dim: 512, heads: 8, hidden: 2048)
  expect parameters(base, "encoder.*") + parameters(base, "decoder.*") == 44140544
  let big = Transformer(layers: 6, dim: 1024, heads: 16, hidden: 4096)
  expect parameters(big, "encoder.*") + parameters(big, "decoder.*") == 176361472
}

/// The projections of queries, keys and values of one layer.
fn projections(model: any) {
  let query = parameters(model, "encoder.block[0].attention.wq.*")
  let key = parameters(model, "encoder.block[0].attention.wk.*")
  let value = parameters(model, "encoder.block[0].attention.wv.*")
  return query + key + value
}

test "3 · d · (d + 1) for queries, keys and values, whatever the number of heads" {
  for heads in [1, 2, 4, 8, 16] {
    expect projections(Transformer(layers: 1, dim: 64, heads: heads)) == 3 * 64 * (64 + 1)
  }
  expect projections(Transformer(layers: 1, dim: 128, heads: 8)) == 3 * 128 * (128 + 1)
}
