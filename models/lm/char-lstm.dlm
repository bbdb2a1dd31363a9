/// Task: say the next character of plain English text (the Brown corpus), knowing all that came before in the window.
/// Size: 324,704 parameters. A smaller one of 58,464 (`dlmc train … Small`, seed 42) passes 2.64 bits a character on the test texts
/// after 2,000 steps, two minutes on two cores with `--device lavapipe`; with `--device wasm` as well.
/// Source: Graves, "Generating sequences with recurrent neural networks", 2013; Hochreiter and Schmidhuber, 1997.
const vocabulary = 96

model CharLSTM(dim: int = 32, hidden: int = 256) {
  input  text: int[batch, T]
  target next: int[batch, T]

  layer reader = LSTM(hidden)
  let read = text |> Embedding(vocabulary, dim) |> reader
  output logits = read.all |> Linear(vocabulary)

  loss   cross_entropy(logits, next)
  metric bits = cross_entropy(logits, next) / log(2.0)
  metric accuracy = accuracy(logits, next)
}

// `npm run data brown` puts the files there.
data English {
  characters = text("../../data/brown/train.txt") |> tokenize(chars(vocabulary))
  train {
    text = characters |> window(64)
    next = characters |> window(64, ahead: 1)
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

/// The same in short windows.
data Short {
  characters = text("../../data/brown/train.txt") |> tokenize(chars(vocabulary))
  train {
    text = characters |> window(48)
    next = characters |> window(48, ahead: 1)
  }
  validation {
    text = text("../../data/brown/validation.txt") |> tokenize(chars(vocabulary)) |> window(48)
    next = text("../../data/brown/validation.txt") |> tokenize(chars(vocabulary)) |> window(48, ahead: 1)
  }
  test {
    text = text("../../data/brown/test.txt") |> tokenize(chars(vocabulary)) |> window(48)
    next = text("../../data/brown/test.txt") |> tokenize(chars(vocabulary)) |> window(48, ahead: 1)
  }
}

/// A size for two cores.
train Small {
  model: CharLSTM(dim: 24, hidden: 96)
  data: Short
  optimizer: adam(lr: cosine(1e-2, steps: 2000, warmup: 50))
  clip_norm: 1.0
  batch: 32
  steps: 2000
  validate: every(1000)
  seed: 42
}

train Full {
  model: CharLSTM
  data: English
  optimizer: adam(lr: cosine(4e-3, steps: 1200, warmup: 50))
  clip_norm: 1.0
  batch: 64
  steps: 1200
  validate: every(400)
  seed: 42
}

test "parameters" {
  expect parameters(CharLSTM, "reader.*") == 4 * 256 * (32 + 256 + 2)
  expect parameters(CharLSTM, "linear_1.*") == 96 * 257
}
