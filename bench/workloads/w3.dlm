/// Benchmark W3: an LSTM says the next token at every step, as `bench/README.md` defines it.
/// Size: 419,265 parameters.
model CharLSTM {
  input  x: int[batch, T]
  target y: int[batch, T]

  layer lstm = LSTM(256, biases: 1)
  let read = x |> emb: Embedding(65, 128) |> lstm
  output logits = read.all |> out: Linear(65)

  loss cross_entropy(logits, y)
}

train {
  model: CharLSTM
  optimizer: adam(lr: 1e-3)
  batch: 32
  dims: (T: 64)
  steps: 33
}

test "as many parameters as the peers have" {
  expect parameters(CharLSTM) == 65 * 128 + 1024 * (128 + 256 + 1) + 65 * 257
}
