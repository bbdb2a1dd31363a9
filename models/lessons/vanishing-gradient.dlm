/// Task: how much of the loss at the end of a sequence reaches its beginning, in a plain RNN, a GRU and an LSTM. The first
/// element is to be recalled after T steps; a nudge of 0 is added to every state, so that the loss's gradient at the nudges
/// is ∂L/∂h_t, and `node scripts/vanishing-gradient.mjs` draws its norm against t.
/// Size: 38,616 parameters, 64 units a cell. Over 64 steps, with weights as they begin: the RNN's gradient shrinks to
/// a 10¹⁴th of what it was, the LSTM's and the GRU's stay within a factor of 30.
/// Source: Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient descent is difficult", 1994. The gates
/// begin open for about T steps, as in Tallec and Ollivier, "Can recurrent neural networks warp time?", 2018; with biases
/// of 0 they would forget by half at each step.
const hidden = 64
const memory = 64

module RNNCell() {
  forward(x: float[B, T, D], nudge: float[B, T, hidden]) -> float[B, hidden] {
    param wx: float[D, hidden] = uniform(1 / sqrt(hidden))
    param wh: float[hidden, hidden] = uniform(1 / sqrt(hidden))
    param b: float[hidden] = zeros
    scan x_t in x, nudge_t in nudge along T
      carry h: float[B, hidden] = zeros
    {
      next h = tanh(x_t @ wx + h @ wh + b) + nudge_t
    }
    return h
  }
}

module GRUCell() {
  forward(x: float[B, T, D], nudge: float[B, T, hidden]) -> float[B, hidden] {
    param wx: float[D, 3 * hidden] = uniform(1 / sqrt(hidden))
    param wh: float[hidden, 3 * hidden] = uniform(1 / sqrt(hidden))
    param keep: float[hidden] = full(log(memory))
    scan x_t in x, nudge_t in nudge along T
      carry h: float[B, hidden] = zeros
    {
      let (r_x, z_x, n_x) = split(x_t @ wx, 3, axis: -1)
      let (r_h, z_h, n_h) = split(h @ wh, 3, axis: -1)
      let z = sigmoid(z_x + z_h + keep)
      let n = tanh(n_x + sigmoid(r_x + r_h) * n_h)
      next h = (1 - z) * n + z * h + nudge_t
    }
    return h
  }
}

module LSTMCell() {
  forward(x: float[B, T, D], nudge: float[B, T, hidden]) -> float[B, hidden] {
    param wx: float[D, 4 * hidden] = uniform(1 / sqrt(hidden))
    param wh: float[hidden, 4 * hidden] = uniform(1 / sqrt(hidden))
    param keep: float[hidden] = full(log(memory))
    scan x_t in x, nudge_t in nudge along T
      carry h: float[B, hidden] = zeros, c: float[B, hidden] = zeros
    {
      let (i, f, o, g) = split(x_t @ wx + h @ wh, 4, axis: -1)
      next c = sigmoid(f + keep) * c + sigmoid(i) * tanh(g)
      next h = sigmoid(o) * tanh(c) + nudge_t
    }
    return h
  }
}

model VanishingGradient {
  input x: float[batch, T, 8]
  input nudge_rnn: float[batch, T, hidden]
  input nudge_gru: float[batch, T, hidden]
  input nudge_lstm: float[batch, T, hidden]
  target first: float[batch, 8]

  output rnn = RNNCell()(x, nudge_rnn) |> Linear(8)
  output gru = GRUCell()(x, nudge_gru) |> Linear(8)
  output lstm = LSTMCell()(x, nudge_lstm) |> Linear(8)

  loss of_rnn = mse(rnn, first)
  loss of_gru = mse(gru, first)
  loss of_lstm = mse(lstm, first)
}

test "the GRU has 3 and the LSTM 4 times the weights of the RNN" {
  expect parameters(VanishingGradient, "gru_cell_1.w*") == 3 * parameters(VanishingGradient, "rnn_cell_1.w*")
  expect parameters(VanishingGradient, "lstm_cell_1.w*") == 4 * parameters(VanishingGradient, "rnn_cell_1.w*")
}

test "a gate with the bias log(T) keeps T parts in T + 1" {
  expect sigmoid(log(memory)) ~= memory / (memory + 1) within 1e-6
}
