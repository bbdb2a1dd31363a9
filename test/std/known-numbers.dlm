/// Values of the standard library that can be worked out by hand, or that the lectures give.

test "self-attention's toy scores: 112 and 96, scaled by the root of 64" {
  let weight = softmax([112.0 / sqrt(64), 96.0 / sqrt(64)])
  expect weight[0] ~= 0.88 within 0.01
  expect weight[1] ~= 0.12 within 0.03
  expect sum(weight) ~= 1.0
}

test "activations at places where they are known" {
  expect relu([-2.0, 0.0, 3.0]) == [0.0, 0.0, 3.0]
  expect leaky_relu([-2.0, 4.0], slope: 0.25) == [-0.5, 4.0]
  expect sigmoid([0.0])[0] == 0.5
  expect softplus([0.0])[0] ~= log(2.0)
  expect silu([0.0])[0] == 0.0
  expect gelu([0.0])[0] == 0.0
  expect elu([-1.0])[0] ~= exp(-1.0) - 1
  expect log_softmax([7.0, 7.0])[1] ~= -log(2.0)
}

test "nothing overflows far out" {
  expect sigmoid([-1000.0, 1000.0]) == [0.0, 1.0]
  expect softplus([1000.0])[0] == 1000.0
  expect softmax([1000.0, 0.0]) == [1.0, 0.0]
}

test "losses" {
  expect cross_entropy([[0.0, 0.0, 0.0, 0.0]], [2]) ~= log(4.0)
  expect cross_entropy([[5.0, 5.0], [5.0, 5.0]], [0, 1], smoothing: 0.3) ~= log(2.0)
  expect cross_entropy([[0.0, 0.0], [9.0, 0.0]], [1, 0], ignore: 0) ~= log(2.0)
  expect mse([1.0, 2.0], [3.0, 2.0]) == 2.0
  expect mae([1.0, 2.0], [3.0, 2.0]) == 1.0
  expect binary_cross_entropy_with_logits([0.0], [1.0]) ~= log(2.0)
  expect accuracy([[1.0, 2.0], [4.0, 3.0], [0.0, 1.0], [1.0, 0.0]], [1, 0, 0, 0]) == 0.75
}

test "shapes" {
  let image = [[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]
  expect max_pool2d(image, 2) == [[[6.0, 8.0]]]
  expect avg_pool2d(image, 2) == [[[3.5, 5.5]]]
  expect max_pool2d(image, [1, 4]) == [[[4.0], [8.0]]]
  expect global_avg_pool2d(image) == [4.5]
  expect global_max_pool2d(image) == [8.0]
  expect flatten(image) == [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]]
  expect max_pool1d([[1.0, 3.0, 2.0, 0.0]], 2) == [[3.0, 2.0]]
  expect avg_pool1d([[1.0, 3.0, 2.0, 0.0]], 2) == [[2.0, 1.0]]
  expect conv1d([[1.0, 2.0, 3.0]], [[[1.0, -1.0]]]) == [[-1.0, -1.0]]
}

test "dropout is nothing outside training" {
  expect dropout([1.0, 2.0], 0.5) == [1.0, 2.0]
}
