/// Task: how much of the loss at the end of a sequence reaches its beginning, in a plain RNN, a GRU and an LSTM. Each reads
/// 64 characters of this very file and is asked for the first of them; `dlmc train models/lessons/vanishing-gradient.dlm`
/// records ‖∂L/∂h_t‖ after every character, and draws it in `carries.svg` of its run directory.
/// Size: 56,544 parameters, 64 units a cell. In the mean of 20 steps of training the norm at the first of 64 states is, of
/// that at the last, less than the 10¹⁵th part in the RNN, a third in the GRU; in the LSTM's cell it is the greater.
/// `vanishing-gradient.svg` beside this file is that picture.
/// Source: Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient descent is difficult", 1994. The gates
/// begin open for about T steps, as in Tallec and Ollivier, "Can recurrent neural networks warp time?", 2018; with biases
/// of 0 they would forget by half at each step.
const vocabulary = 96
const hidden = 64
const memory = 64

module RNNCell() {
  forward(x: float[B, T, D]) -> float[B, hidden] {
    param wx: float[D, hidden] = uniform(1 / sqrt(hidden))
    param wh: float[hidden, hidden] = uniform(1 / sqrt(hidden))
    param b: float[hidden] = zeros
    scan x_t in x along T
      carry h: float[B, hidden] = zeros
    {
      next h = tanh(x_t @ wx + h @ wh + b)
    }
    return h
  }
}

module GRUCell() {
  forward(x: float[B, T, D]) -> float[B, hidden] {
    param wx: float[D, 3 * hidden] = uniform(1 / sqrt(hidden))
    param wh: float[hidden, 3 * hidden] = uniform(1 / sqrt(hidden))
    param keep: float[hidden] = full(log(memory))
    scan x_t in x along T
      carry h: float[B, hidden] = zeros
    {
      let (r_x, z_x, n_x) = split(x_t @ wx, 3, axis: -1)
      let (r_h, z_h, n_h) = split(h @ wh, 3, axis: -1)
      let z = sigmoid(z_x + z_h + keep)
      let n = tanh(n_x + sigmoid(r_x + r_h) * n_h)
      next h = (1 - z) * n + z * h
    }
    return h
  }
}

module LSTMCell() {
  forward(x: float[B, T, D]) -> float[B, hidden] {
    param wx: float[D, 4 * hidden] = uniform(1 / sqrt(hidden))
    param wh: float[hidden, 4 * hidden] = uniform(1 / sqrt(hidden))
    param keep: float[hidden] = full(log(memory))
    scan x_t in x along T
      carry h: float[B, hidden] = zeros, c: float[B, hidden] = zeros
    {
      let (i, f, o, g) = split(x_t @ wx + h @ wh, 4, axis: -1)
      next c = sigmoid(f + keep) * c + sigmoid(i) * tanh(g)
      next h = sigmoid(o) * tanh(c)
    }
    return h
  }
}

model VanishingGradient {
  input text: int[batch, T]

  let x = text |> Embedding(vocabulary, 8)
  let first = text[:, 0]
  layer rnn = RNNCell()
  layer gru = GRUCell()
  layer lstm = LSTMCell()

  output by_rnn = rnn(x) |> Linear(vocabulary)
  output by_gru = gru(x) |> Linear(vocabulary)
  output by_lstm = lstm(x) |> Linear(vocabulary)

  loss of_rnn = cross_entropy(by_rnn, first)
  loss of_gru = cross_entropy(by_gru, first)
  loss of_lstm = cross_entropy(by_lstm, first)
}

data Itself {
  train {
    text = text("vanishing-gradient.dlm") |> tokenize(chars(vocabulary)) |> window(64, stride: 3)
  }
}

train {
  model: VanishingGradient
  data: Itself
  optimizer: sgd(lr: 0.1)
  batch: 32
  steps: 20
  seed: 1
  record: carries
}

test "the GRU has 3 and the LSTM 4 times the weights of the RNN" {
  expect parameters(VanishingGradient, "gru.w*") == 3 * parameters(VanishingGradient, "rnn.w*")
  expect parameters(VanishingGradient, "lstm.w*") == 4 * parameters(VanishingGradient, "rnn.w*")
}

test "a gate with the bias log(T) keeps T parts in T + 1" {
  expect sigmoid(log(memory)) ~= memory / (memory + 1) within 1e-6
}
