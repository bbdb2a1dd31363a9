/// A plain recurrent layer: h_t = tanh(W x_t + b + U h_(t-1) + d), over x [B, T, D].
/// Gives the state at every step (`all`) and after the last step (`last`); `reverse` runs from the end of the sequence to its
/// beginning, and where `mask` is false (padding) the state stays as it is. `biases: 2` is PyTorch's form with b and d, 1 has b alone, 0 none. Weights start uniform within ±1 / sqrt(hidden).
/// Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.
module RNN(hidden: int, reverse: bool = false, activation: function = tanh, biases: int = 2) {
  require hidden > 0, "a recurrent layer needs at least one unit"
  require biases >= 0 and biases <= 2, "a recurrent layer has 0, 1 or 2 biases"
  let bound = 1 / sqrt(hidden)

  forward(x: float[B, T, D], initial: float[B, hidden]? = none, mask: bool[B, T]? = none) -> (all: float[B, T, hidden], last: float[B, hidden]) {
    param weight_ih: float[hidden, D] = uniform(bound)
    param weight_hh: float[hidden, hidden] = uniform(bound)
    let bias = 0
    if biases > 0 {
      param bias_ih: float[hidden] = uniform(bound)
      let bias = bias_ih
    }
    if biases > 1 {
      param bias_hh: float[hidden] = uniform(bound)
      let bias = bias + bias_hh
    }
    let h_0 = if initial == none then zeros else initial
    let live = if mask == none then none else expand(mask, -1)

    scan x_t in x, live_t in live along T reverse: reverse
      carry h: float[B, hidden] = h_0
    {
      next h = where(live_t, activation(x_t @ transpose(weight_ih) + h @ transpose(weight_hh) + bias), h)
      yield all = h
    }
    return (all, last: h)
  }
}

/// Long short-term memory over x [B, T, D]. With gates i, f, o = sigmoid(…) and g = tanh(…), each of x_t and h_(t-1),
///     c_t = f c_(t-1) + i g        h_t = o tanh(c_t).
/// Gives the state at every step (`all`), and after the last step the state (`last`) and the cell (`cell`); where
/// `mask` is false (padding) both stay as they are. The rows of
/// the weights hold the gates in PyTorch's order i, f, g, o; `biases: 2` is PyTorch's form, 1 has one bias, 0 none.
/// Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the forget gate is that of
/// Gers, Schmidhuber and Cummins, "Learning to forget", 2000.
module LSTM(hidden: int, reverse: bool = false, biases: int = 2) {
  require hidden > 0, "a recurrent layer needs at least one unit"
  require biases >= 0 and biases <= 2, "a recurrent layer has 0, 1 or 2 biases"
  let bound = 1 / sqrt(hidden)

  forward(x: float[B, T, D], initial: float[B, hidden]? = none, initial_cell: float[B, hidden]? = none, mask: bool[B, T]? = none) -> (all: float[B, T, hidden], last: float[B, hidden], cell: float[B, hidden]) {
    param weight_ih: float[4 * hidden, D] = uniform(bound)
    param weight_hh: float[4 * hidden, hidden] = uniform(bound)
    let bias = 0
    if biases > 0 {
      param bias_ih: float[4 * hidden] = uniform(bound)
      let bias = bias_ih
    }
    if biases > 1 {
      param bias_hh: float[4 * hidden] = uniform(bound)
      let bias = bias + bias_hh
    }
    let h_0 = if initial == none then zeros else initial
    let c_0 = if initial_cell == none then zeros else initial_cell
    let live = if mask == none then none else expand(mask, -1)

    scan x_t in x, live_t in live along T reverse: reverse
      carry h: float[B, hidden] = h_0, c: float[B, hidden] = c_0
    {
      let (i, f, g, o) = split(x_t @ transpose(weight_ih) + h @ transpose(weight_hh) + bias, 4, axis: -1)
      next c = where(live_t, sigmoid(f) * c + sigmoid(i) * tanh(g), c)
      next h = where(live_t, sigmoid(o) * tanh(c), h)
      yield all = h
    }
    return (all, last: h, cell: c)
  }
}

/// Gated recurrent unit over x [B, T, D]. With reset r and update z = sigmoid(…), each of x_t and h_(t-1),
///     n = tanh(W x_t + b + r (U h_(t-1) + d))        h_t = (1 - z) n + z h_(t-1).
/// Gives the state at every step (`all`) and after the last step (`last`); where `mask` is false (padding) it stays
/// as it is. The rows of the weights hold the gates in PyTorch's order r, z, n; `biases: 2` is PyTorch's form, 1 has no d, 0 none.
/// Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; the reset gate stands after the
/// product, as in cuDNN and PyTorch.
module GRU(hidden: int, reverse: bool = false, biases: int = 2) {
  require hidden > 0, "a recurrent layer needs at least one unit"
  require biases >= 0 and biases <= 2, "a recurrent layer has 0, 1 or 2 biases"
  let bound = 1 / sqrt(hidden)

  forward(x: float[B, T, D], initial: float[B, hidden]? = none, mask: bool[B, T]? = none) -> (all: float[B, T, hidden], last: float[B, hidden]) {
    param weight_ih: float[3 * hidden, D] = uniform(bound)
    param weight_hh: float[3 * hidden, hidden] = uniform(bound)
    let bias_x = 0
    let bias_h = 0
    if biases > 0 {
      param bias_ih: float[3 * hidden] = uniform(bound)
      let bias_x = bias_ih
    }
    if biases > 1 {
      param bias_hh: float[3 * hidden] = uniform(bound)
      let bias_h = bias_hh
    }
    let h_0 = if initial == none then zeros else initial
    let live = if mask == none then none else expand(mask, -1)

    scan x_t in x, live_t in live along T reverse: reverse
      carry h: float[B, hidden] = h_0
    {
      let (r_x, z_x, n_x) = split(x_t @ transpose(weight_ih) + bias_x, 3, axis: -1)
      let (r_h, z_h, n_h) = split(h @ transpose(weight_hh) + bias_h, 3, axis: -1)
      let z = sigmoid(z_x + z_h)
      let n = tanh(n_x + sigmoid(r_x + r_h) * n_h)
      next h = where(live_t, (1 - z) * n + z * h, h)
      yield all = h
    }
    return (all, last: h)
  }
}

/// Reads a sequence in both directions: `Bidirectional(LSTM, 128)`. At every step, and at the end, the states of the two
/// directions stand side by side, first the one that runs forwards.
/// Source: Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997.
module Bidirectional(of: module, hidden: int) {
  layer forwards = of(hidden)
  layer backwards = of(hidden, reverse: true)
  forward(x: float[B, T, D], mask: bool[B, T]? = none) -> (all: float[B, T, 2 * hidden], last: float[B, 2 * hidden]) {
    let a = forwards(x, mask: mask)
    let b = backwards(x, mask: mask)
    return (all: concat([a.all, b.all]), last: concat([a.last, b.last]))
  }
}

/// Recurrent layers on one another, each reading the states of the one below: `Recurrent(LSTM, 256, layers: 2)`; with
/// dropout between layers, as in PyTorch. `last` is the state of the uppermost layer after its last step.
module Recurrent(of: module, hidden: int, layers: int = 1, bidirectional: bool = false, dropout: float = 0) {
  require layers > 0, "a stack of recurrent layers has at least one"
  forward(x: float[B, T, D], mask: bool[B, T]? = none) {
    let y = (all: x, last: none)
    for i in 0..layers {
      let below = if i > 0 then dropout(y.all, dropout) else y.all
      layer level = if bidirectional then Bidirectional(of, hidden) else of(hidden)
      let y = level(below, mask: mask)
    }
    return (all: y.all, last: y.last)
  }
}
