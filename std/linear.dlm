/// A dense layer: x Wᵀ + b on the last axis. `weight` is [features, inputs], as in PyTorch; both start uniform within
/// ±1 / sqrt(inputs).
module Linear(features: int, bias: bool = true) {
  require features > 0, "a dense layer needs at least one feature"
  forward(x: float[..., inputs]) -> float[..., features] {
    param weight: float[features, inputs] = uniform(1 / sqrt(inputs))
    let y = x @ transpose(weight)
    if bias {
      param bias: float[features] = uniform(1 / sqrt(inputs))
      let y = y + bias
    }
    return y
  }
}
