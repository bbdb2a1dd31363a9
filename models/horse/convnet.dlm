/// Task: put a 128×128 colour photograph into one of ten classes, the horse among them.
/// Size: 405,050 parameters: 10,416 in the convolution (2.57 %) and 394,634 in the dense layers.
/// Source: a recitation's worksheet on shapes and parameters; its picture is from MS-COCO (Lin et al., 2014).
model HorseNet {
  input  image: float[batch, 3, 128, 128]
  target label: int[batch]

  let pooled = image |> max_pool2d(2, stride: 2)
  let filtered = pooled |> conv: Conv2d(12, kernel: 17)
  let again = filtered |> max_pool2d(3, stride: 3)
  let flat = flatten(again)
  let hidden = flat |> dense: Linear(128)
  let active = relu(hidden)

  output logits = active |> head: Linear(10)
  output probability = softmax(logits)

  loss   cross_entropy(logits, label)
  metric accuracy = accuracy(logits, label)

  // The table of the worksheet.
  expose pooled
  expose filtered
  expose again
  expose flat
  expose hidden
  expose active
}

// No data set of such photographs is part of this repository: write one as IDX files of unsigned bytes, images as
// [examples, 3, 128, 128] and labels 0 to 9 as [examples].
data Photographs {
  train {
    image = idx("../../data/photographs/train-images-idx4-ubyte") |> scale(1 / 255)
    label = idx("../../data/photographs/train-labels-idx1-ubyte")
  }
  validation = split(train, 0.1)
}

train {
  model: HorseNet
  data: Photographs
  optimizer: sgd(lr: 0.01, momentum: 0.9)
  batch: 32
  epochs: 10
  seed: 1
}

test "the shape of every tensor" {
  expect result_shape(HorseNet, "pooled")[1:] == [3, 64, 64]
  expect result_shape(HorseNet, "filtered")[1:] == [12, 48, 48]
  expect result_shape(HorseNet, "again")[1:] == [12, 16, 16]
  expect result_shape(HorseNet, "flat")[1:] == [3072]
  expect result_shape(HorseNet, "hidden")[1:] == [128]
  expect result_shape(HorseNet, "active")[1:] == [128]
  expect result_shape(HorseNet, "logits")[1:] == [10]
  expect result_shape(HorseNet, "probability")[1:] == [10]
}

test "the parameters" {
  expect parameters(HorseNet, "conv.*") == 3 * 12 * 17 * 17 + 12
  expect parameters(HorseNet, "conv.*") == 10416
  expect parameters(HorseNet, "dense.*") + parameters(HorseNet, "head.*") == 394634
  expect parameters(HorseNet) == 405050
}
