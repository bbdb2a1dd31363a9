/// Task: one step of an LSTM with its four gates packed side by side in one product, in the order i, f, o, g, and the way
/// back through it: the gradients that arrive at the new state and cell become those of all that the step reads.
/// Size: 160 parameters: Wx is 5 by 16, Wh is 4 by 16, b has 16.
/// Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997; the packed form is that of course assignments.
fn lstm_step(x: float[N, D], h: float[N, H], c: float[N, H], wx: float[D, 4 * H], wh: float[H, 4 * H], b: float[4 * H]) -> (h: float[N, H], c: float[N, H]) {
  let (i, f, o, g) = split(x @ wx + h @ wh + b, 4, axis: -1)
  let c = sigmoid(f) * c + sigmoid(i) * tanh(g)
  let h = sigmoid(o) * tanh(c)
  return (h, c)
}

model LSTMStep {
  input x: float[batch, 5]
  input h: float[batch, 4]
  input c: float[batch, 4]
  /// What later steps say of the new state and the new cell.
  target dh: float[batch, 4]
  target dc: float[batch, 4]

  param wx: float[5, 16] = uniform(1 / sqrt(4))
  param wh: float[4, 16] = uniform(1 / sqrt(4))
  param b: float[16] = zeros

  let next = lstm_step(x, h, c, wx, wh, b)
  output next_h = next.h
  output next_c = next.c
  /// Its gradients are those of the step with `dh` and `dc` put in from above.
  loss sum(next.h * dh) + sum(next.c * dc)
}

test "the parts of a step" {
  expect parameters(LSTMStep, "wx") == 5 * 16
  expect parameters(LSTMStep, "wh") == 4 * 16
  expect parameters(LSTMStep, "b") == 16
}

test "gates half open when all weights are 0" {
  let r = lstm_step([[1, 2, 3]], [[5, 6]], [[2, -4]], zeros([3, 8]), zeros([2, 8]), zeros([8]))
  expect r.c == [[1, -2]]
  expect r.h ~= [[0.3807971, -0.4820138]] within 1e-6
}

test "the order of the gates is i, f, o, g" {
  let nothing = zeros([1, 4])
  let open = lstm_step([[0]], [[0]], [[3]], nothing, nothing, [-100, 100, 100, 5])
  expect open.c ~= [[3]] within 1e-6
  expect open.h ~= [[0.9950548]] within 1e-6
  let written = lstm_step([[0]], [[0]], [[3]], nothing, nothing, [100, -100, 100, 5])
  expect written.c ~= [[0.9999092]] within 1e-6
  let shut = lstm_step([[0]], [[0]], [[3]], nothing, nothing, [100, 100, -100, 5])
  expect shut.h ~= [[0]] within 1e-6
}
