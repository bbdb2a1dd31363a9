/// Task: tell ten handwritten digits apart, 28×28 grey pixels each (MNIST: 60,000 for training, 10,000 for testing).
/// Size: 7,850 parameters. After 5 epochs 92.6 % of the test digits are right.
/// Source: multinomial logistic regression; LeCun et al., "Gradient-based learning applied to document recognition", 1998.
model Softmax {
  input  image: float[batch, 28, 28]
  target label: int[batch]

  output logits = image |> flatten |> Linear(10)

  loss   cross_entropy(logits, label)
  metric accuracy = accuracy(logits, label)
}

// `npm run data mnist` puts the files there.
data Digits {
  train {
    image = idx("../../data/mnist/train-images-idx3-ubyte") |> scale(1 / 255)
    label = idx("../../data/mnist/train-labels-idx1-ubyte")
  }
  validation = split(train, 0.1)
  test {
    image = idx("../../data/mnist/t10k-images-idx3-ubyte") |> scale(1 / 255)
    label = idx("../../data/mnist/t10k-labels-idx1-ubyte")
  }
}

train {
  model: Softmax
  data: Digits
  optimizer: adam(lr: cosine(5e-3, steps: 2105))
  batch: 128
  epochs: 5
  seed: 42
}

test "28 × 28 × 10 weights and 10 biases" {
  expect parameters(Softmax, "linear_1.weight") == 7840
  expect parameters(Softmax, "linear_1.bias") == 10
  expect parameters(Softmax) == 7850
}
