/// Benchmark W2: a small convolutional network over 32×32 colour images of two classes, as `bench/README.md` defines it.
/// Size: 40,198 parameters.
model Convnet {
  input  x: float[batch, 3, 32, 32]
  target y: int[batch]

  output logits = x
    |> c1: Conv2d(16, kernel: 5, padding: same) |> relu |> max_pool2d(2)
    |> c2: Conv2d(20, kernel: 5, padding: same) |> relu |> max_pool2d(2)
    |> c3: Conv2d(20, kernel: 3, padding: same) |> relu |> max_pool2d(2)
    |> flatten |> d1: Linear(80) |> relu |> d2: Linear(20) |> relu |> d3: Linear(2)

  loss cross_entropy(logits, y)
}

train {
  model: Convnet
  optimizer: adam(lr: 1e-3)
  batch: 64
  steps: 33
}

test "as many parameters as the peers have" {
  expect parameters(Convnet) == 40198
}
