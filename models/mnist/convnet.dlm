/// Task: tell ten handwritten digits apart, 28×28 grey pixels each (MNIST: 60,000 for training, 10,000 for testing).
/// Size: 18,378 parameters, 2.1 million floating-point operations a picture. After 3 epochs 98.8 % of the test digits
/// are right.
/// Source: after the convolutional networks of LeCun et al., "Gradient-based learning applied to document
/// recognition", 1998, with rectifiers and max pooling.
model Convnet {
  input  image: float[batch, 28, 28]
  target label: int[batch]

  output logits = reshape(image, [batch, 1, 28, 28])
    |> Conv2d(16, kernel: 5) |> relu |> max_pool2d(2)
    |> Conv2d(32, kernel: 5) |> relu |> max_pool2d(2)
    |> flatten |> Linear(10)

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
  model: Convnet
  data: Digits
  optimizer: adam(lr: cosine(2e-3, steps: 1620, warmup: 100))
  batch: 100
  epochs: 3
  seed: 42
}

test "the parameters, layer by layer" {
  expect parameters(Convnet, "conv2d_1.*") == 5 * 5 * 1 * 16 + 16
  expect parameters(Convnet, "conv2d_2.*") == 5 * 5 * 16 * 32 + 32
  expect parameters(Convnet, "linear_1.*") == 4 * 4 * 32 * 10 + 10
  expect parameters(Convnet) == 18378
}

test "the shapes after each convolution" {
  expect result_shape(Convnet, "conv2d_1")[1:] == [16, 24, 24]
  expect result_shape(Convnet, "conv2d_2")[1:] == [32, 8, 8]
  expect result_shape(Convnet, "logits")[1:] == [10]
}
