/// Task: tell two classes of 32×32 colour images apart (a pair of CIFAR-10's classes, as cats and dogs).
/// Size: 40,198 parameters, layer by layer 1,216 · 8,020 · 3,620 · 25,680 · 1,620 · 42.
/// Source: a course's second assignment; the data is described in Krizhevsky, "Learning multiple layers of features
/// from tiny images", 2009.
model CifarNet {
  input  image: float[batch, 3, 32, 32]
  target label: int[batch]

  output logits = image
    |> Conv2d(16, kernel: 5, padding: same) |> relu |> max_pool2d(2)
    |> Conv2d(20, kernel: 5, padding: same) |> relu |> max_pool2d(2)
    |> Conv2d(20, kernel: 3, padding: same) |> relu |> max_pool2d(2)
    |> flatten |> Linear(80) |> relu |> Linear(20) |> relu |> Linear(2)

  loss   cross_entropy(logits, label)
  metric accuracy = accuracy(logits, label)
}

// The images are not part of this repository: from CIFAR-10's binary version, write the pixels of the two classes as IDX
// files of unsigned bytes, [examples, 3, 32, 32], and their labels 0 and 1 as [examples].
data Pairs {
  train {
    image = idx("../../data/cifar/train-images-idx4-ubyte") |> scale(1 / 255)
    label = idx("../../data/cifar/train-labels-idx1-ubyte")
  }
  validation = split(train, 0.1)
  test {
    image = idx("../../data/cifar/test-images-idx4-ubyte") |> scale(1 / 255)
    label = idx("../../data/cifar/test-labels-idx1-ubyte")
  }
}

train {
  model: CifarNet
  data: Pairs
  optimizer: adam(lr: 1e-3)
  batch: 64
  epochs: 10
  seed: 1
}

test "the parameters, layer by layer" {
  expect parameters(CifarNet, "conv2d_1.*") == 1216
  expect parameters(CifarNet, "conv2d_2.*") == 8020
  expect parameters(CifarNet, "conv2d_3.*") == 3620
  expect parameters(CifarNet, "linear_1.*") == 25680
  expect parameters(CifarNet, "linear_2.*") == 1620
  expect parameters(CifarNet, "linear_3.*") == 42
  expect parameters(CifarNet) == 40198
}
