/// Task: say how an English word is pronounced, letters in, phonemes out, as `transformer.dlm` does: here one LSTM reads and
/// another speaks, which before each phoneme looks at all the letters again and weighs them by what it has said.
/// Size: 304,603 parameters as trained here: `dlmc train … Small --device wasm`, seed 1, comes in 3,000 steps and 10 minutes on
/// one of two shared cores to 10.5 % phoneme and 41.8 % word error on the 12,788 words held out (`dlmc evaluate`). The shape of Google's translation system of 2016 (8 and 8 layers of 1024) is a preset.
/// Source: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate", 2015; Wu et al.,
/// "Google's neural machine translation system", 2016; for this task Yao and Zweig, "Sequence-to-sequence neural net models for
/// grapheme-to-phoneme conversion", 2015.
const letters = 48
const phonemes = 43

/// Reads in both directions, then upwards through further layers, each added to what it read from the third on.
module Reader(layers: int, hidden: int, rate: float) {
  layer both = Bidirectional(LSTM, hidden)
  forward(x: float[B, S, D], known: bool[B, S]) {
    let y = both(x, mask: known).all
    for i in 1..layers {
      layer level = LSTM(hidden)
      let read = level(dropout(y, rate), mask: known).all
      let y = if i > 1 then y + read else read
    }
    return y
  }
}

/// An LSTM whose steps see, beside their input, a mean of the memory: weighed by scores v · tanh(W h + U m) of the state before
/// and each place of the memory. The scores of one sentence after all its steps are its attention map, `weight`.
module AttentiveLSTM(hidden: int) {
  let bound = 1 / sqrt(hidden)

  forward(x: float[B, T, D], memory: float[B, S, E], known: bool[B, S], initial: float[B, hidden]) -> (all: float[B, T, hidden], context: float[B, T, E]) {
    param weight_ih: float[4 * hidden, D] = uniform(bound)
    param weight_ch: float[4 * hidden, E] = uniform(bound)
    param weight_hh: float[4 * hidden, hidden] = uniform(bound)
    param bias: float[4 * hidden] = uniform(bound)
    param query: float[hidden, hidden] = uniform(bound)
    param key: float[hidden, E] = uniform(bound)
    param v: float[hidden] = uniform(bound)
    let keys = memory @ transpose(key)

    scan x_t in x along T
      carry h: float[B, hidden] = initial, c: float[B, hidden] = zeros
    {
      let score = tanh(expand(h @ transpose(query), 1) + keys) @ v
      let weight = softmax(where(known, score, -inf))
      expose weight
      let context_t = sum(expand(weight, -1) * memory, axis: 1)
      let (i, f, g, o) = split(x_t @ transpose(weight_ih) + context_t @ transpose(weight_ch) + h @ transpose(weight_hh) + bias, 4, axis: -1)
      next c = sigmoid(f) * c + sigmoid(i) * tanh(g)
      next h = sigmoid(o) * tanh(c)
      yield all = h
      yield context = context_t
    }
    return (all, context)
  }
}

/// The lowest layer looks at the memory; what it saw goes to all above it.
module Speaker(layers: int, hidden: int, rate: float) {
  layer looking = AttentiveLSTM(hidden)
  forward(x: float[B, T, D], memory: float[B, S, E], known: bool[B, S]) {
    let start = tanh(memory[:, 0] |> bridge: Linear(hidden))
    let seen = looking(x, memory, known, start)
    let y = seen.all
    for i in 1..layers {
      layer level = LSTM(hidden)
      let said = level(concat([dropout(y, rate), seen.context])).all
      let y = if i > 1 then y + said else said
    }
    return concat([y, seen.context])
  }
}

model Seq2Seq(layers: int = 1, dim: int = 48, hidden: int = 96, rate: float = 0.1, smoothing: float = 0) {
  input  word: int[batch, S]
  input  spoken: int[batch, T]
  target phoneme: int[batch, T]

  layer reader = Reader(layers, hidden, rate)
  layer speaker = Speaker(layers, hidden, rate)

  let known = word != 0
  let memory = reader(word |> letter: Embedding(letters, dim) |> dropout(rate), known)
  let before = spoken |> sound: Embedding(phonemes, dim) |> dropout(rate)
  output logits = speaker(before, memory, known) |> dropout(rate) |> head: Linear(phonemes)

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

/// A size for two cores.
train Small {
  model: Seq2Seq
  data: Dictionary
  optimizer: adam(lr: cosine(3e-3, steps: 3000, warmup: 100))
  clip_norm: 1.0
  batch: 64
  steps: 3000
  validate: every(1000)
  seed: 1
}

/// The shape of GNMT.
train Gnmt {
  model: Seq2Seq(layers: 8, dim: 1024, hidden: 1024, rate: 0.2, smoothing: 0.1)
  data: Dictionary
  optimizer: adam(lr: warmup(2e-4, steps: 200))
  clip_norm: 5.0
  batch: 128
  steps: 100000
  validate: every(1000)
  seed: 1
}

/// Parameters of an LSTM that reads so many numbers, with the two biases of PyTorch's form.
fn lstm_size(D: int, hidden: int) {
  return 4 * hidden * (D + hidden + 2)
}

/// Those of one with attention: a context of E numbers more, and the scores.
fn attentive_size(D: int, E: int, hidden: int) {
  return 4 * hidden * (D + E + hidden + 1) + hidden * (hidden + E + 1)
}

test "parameters, layer by layer" {
  expect parameters(Seq2Seq, "reader.*") == 2 * lstm_size(48, 96)
  expect parameters(Seq2Seq, "speaker.looking.*") == attentive_size(48, 192, 96)
  expect parameters(Seq2Seq, "head.*") == 43 * (96 + 192 + 1)
  expect parameters(Seq2Seq) == 304603
}

test "the attention map has a row for each phoneme and a column for each letter" {
  let map = result_shape(Seq2Seq, "speaker.looking.weight")
  expect len(map) == 3
}

test "the shape of GNMT" {
  let gnmt = Seq2Seq(layers: 8, dim: 1024, hidden: 1024)
  expect parameters(gnmt, "reader.*") == 2 * lstm_size(1024, 1024) + lstm_size(2048, 1024) + 6 * lstm_size(1024, 1024)
  expect parameters(gnmt, "speaker.looking.*") == attentive_size(1024, 1024, 1024)
  expect parameters(gnmt, "speaker.level*") == 7 * lstm_size(2048, 1024)
}
