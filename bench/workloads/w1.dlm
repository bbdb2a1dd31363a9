/// Benchmark W1: a multilayer perceptron over flat images, as `bench/README.md` defines it.
/// Size: 669,706 parameters.
model Perceptron {
  input  x: float[batch, 784]
  target y: int[batch]

  output logits = x |> d1: Linear(512) |> relu |> d2: Linear(512) |> relu |> d3: Linear(10)

  loss cross_entropy(logits, y)
}

train {
  model: Perceptron
  optimizer: adam(lr: 1e-3)
  batch: 128
  steps: 33
}

test "as many parameters as the peers have" {
  expect parameters(Perceptron) == 669706
}
