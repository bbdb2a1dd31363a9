/// Task: a convolution worked by hand, and the formula for the size of its result.
/// Size: no parameters, and a layer of 5 beside it.
/// Source: a recitation's worksheet; the formula as in Dumoulin and Visin, "A guide to convolution arithmetic", 2016.
model Sliding(kernel: int = 3, stride: int = 1, padding: int = 0) {
  input image: float[batch, 1, W, W]
  output filtered = image |> Conv2d(1, kernel: kernel, stride: stride, padding: padding)
}

test "Dance Dance Convolution" {
  let image  = [[1, 3, -2, 4], [0, 8, 6, 5], [2, 1, -9, 0], [4, -1, 3, 7]]
  let filter = [[1, 2], [-2, -1]]

  let plain = conv2d(image, filter)
  expect shape(plain) == [3, 3]
  expect plain[2, 2] == -22

  let padded = conv2d(image, filter, padding: 1)
  expect shape(padded) == [5, 5]
  expect padded[4, 4] == 7
}

/// What the worksheet calls the output width: floor((W - K + 2P) / S) + 1.
fn output_width(W: int, K: int, P: int, S: int) {
  return (W - K + 2 * P) div S + 1
}

test "the size of the result, for numbers" {
  expect output_width(4, 2, 0, 1) == 3
  expect output_width(4, 2, 1, 1) == 5
  expect output_width(64, 17, 0, 1) == 48
  expect output_width(48, 3, 0, 3) == 16
  expect output_width(224, 7, 3, 2) == 112
}

test "the size of the result, for any width" {
  let W = result_shape(Sliding(kernel: 1), "filtered")[2]
  expect result_shape(Sliding(kernel: 3, stride: 1, padding: 0), "filtered")[2] == W - 2
  expect result_shape(Sliding(kernel: 3, stride: 1, padding: 1), "filtered")[2] == W
  expect result_shape(Sliding(kernel: 3, stride: 2, padding: 1), "filtered")[2] == output_width(W, 3, 1, 2)
  expect result_shape(Sliding(kernel: 7, stride: 2, padding: 3), "filtered")[2] == output_width(W, 7, 3, 2)
}
