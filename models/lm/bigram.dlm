/// Task: say the next character, knowing the one before it and no more, in plain English text (the Brown corpus, 5.0 million
/// characters for training, whole texts held out). The least that a language model can be, and the mark that others must pass.
/// Size: 9,216 parameters, a row of 96 log-odds for each character. After one epoch 3.57 bits a character on the
/// test texts, where counting all pairs gives 3.53.
/// Source: Shannon, "A mathematical theory of communication", 1948, whose second-order approximation to English this is.
const vocabulary = 96

model Bigram {
  input  text: int[batch, T]
  target next: int[batch, T]

  output logits = text |> Embedding(vocabulary, vocabulary)

  loss   cross_entropy(logits, next)
  metric bits = cross_entropy(logits, next) / log(2.0)
  metric accuracy = accuracy(logits, next)
}

// `npm run data brown` puts the files there.
data English {
  characters = text("../../data/brown/train.txt") |> tokenize(chars(vocabulary))
  train {
    text = characters |> window(128)
    next = characters |> window(128, ahead: 1)
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

train {
  model: Bigram
  data: English
  optimizer: adam(lr: cosine(3e-2, steps: 614))
  batch: 64
  epochs: 1
  seed: 42
}

test "a row of log-odds for each of 96 characters" {
  expect parameters(Bigram) == 9216
}
