/// Task: the smallest recurrent network, many to many, as a lecture writes it: h_t = tanh(W_hh h_(t-1) + W_hx x_t) and
/// y_t = sigmoid(W_yh h_t), with x_t of 3, h_t of 4 and y_t of 2 numbers.
/// Size: 36 parameters: 12 + 16 + 8 weights, however long the sequence.
/// Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.
model SimpleRNN {
  input  x: float[batch, T, 3]
  target wanted: float[batch, T, 2]

  param w_hx: float[4, 3] = uniform(1 / sqrt(3))
  param w_hh: float[4, 4] = uniform(1 / sqrt(4))
  param w_yh: float[2, 4] = uniform(1 / sqrt(4))

  scan x_t in x along T
    carry h: float[batch, 4] = zeros
  {
    next h = tanh(h @ transpose(w_hh) + x_t @ transpose(w_hx))
    yield answers = sigmoid(h @ transpose(w_yh))
  }

  output y = answers
  output last = h
  loss   mse(y, wanted)
}

test "12 + 16 + 8 weights" {
  expect parameters(SimpleRNN, "w_hx") == 12
  expect parameters(SimpleRNN, "w_hh") == 16
  expect parameters(SimpleRNN, "w_yh") == 8
  expect parameters(SimpleRNN) == 36
}

test "two answers at each step, one state of four at the end" {
  let T = result_shape(SimpleRNN, "y")[1]
  expect result_shape(SimpleRNN, "y")[2] == 2
  expect len(result_shape(SimpleRNN, "y")) == 3
  expect result_shape(SimpleRNN, "last")[1] == 4
  expect T + 1 > T
}

/// One unit, by hand: each state is what the one before left, and the input.
test "three steps of one unit" {
  scan x_t in [1.0, 0, -1] along axis: 0
    carry h: float[] = 0
  {
    next h = tanh(0.5 * h + 2 * x_t)
    yield states = h
  }
  let first = tanh(2)
  let second = tanh(0.5 * first)
  expect states ~= [0.9640276, 0.4478549, -0.9442712] within 1e-6
  expect states ~= [first, second, tanh(0.5 * second - 2)] within 1e-6
}
