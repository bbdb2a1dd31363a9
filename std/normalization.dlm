/// Brings the last `dims` axes of each example to mean 0 and variance 1, then scales and shifts them.
/// `weight` and `bias` have the shape of those axes.
/// Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
module LayerNorm(eps: float = 1e-5, dims: int = 1, affine: bool = true) {
  require dims >= 1 and dims <= 3, "a layer norm covers one to three axes"
  forward(x: float[...]) -> float[...] {
    let sizes = shape(x)[-dims:]
    let axes = [-3, -2, -1][-dims:]
    let centred = x - mean(x, axis: axes, keep: true)
    let variance = mean(centred * centred, axis: axes, keep: true)
    let y = centred * rsqrt(variance + eps)
    if affine {
      if dims == 1 {
        param weight: float[sizes[0]] = ones
        param bias: float[sizes[0]] = zeros
      }
      if dims == 2 {
        param weight: float[sizes[0], sizes[1]] = ones
        param bias: float[sizes[0], sizes[1]] = zeros
      }
      if dims == 3 {
        param weight: float[sizes[0], sizes[1], sizes[2]] = ones
        param bias: float[sizes[0], sizes[1], sizes[2]] = zeros
      }
      let y = y * weight + bias
    }
    return y
  }
}

/// Brings each channel (axis 1) to mean 0 and variance 1 over the batch and all further axes, then scales and shifts it.
/// While training the batch's own statistics count, and the running ones follow them by `momentum` (the running variance
/// is the unbiased one, as in PyTorch); otherwise the running ones count.
/// Source: Ioffe and Szegedy, "Batch normalization", 2015.
module BatchNorm(momentum: float = 0.1, eps: float = 1e-5, affine: bool = true) {
  forward(x: float[B, C, ...]) -> float[B, C, ...] {
    state running_mean: float[C] = zeros
    state running_var: float[C] = ones
    let ones_after = [1] * (rank(x) - 2)
    let axes = [0] + list(2..rank(x))

    if training {
      let mean_now = mean(x, axis: axes, keep: true)
      let centred = x - mean_now
      let variance_now = mean(centred * centred, axis: axes, keep: true)
      let y = centred * rsqrt(variance_now + eps)

      let count = B * product(shape(x)[2:])
      let unbiased = reshape(variance_now, [C]) * (count / maximum(count - 1, 1))
      next running_mean = (1 - momentum) * running_mean + momentum * reshape(mean_now, [C])
      next running_var = (1 - momentum) * running_var + momentum * unbiased
    } else {
      let scale = rsqrt(running_var + eps)
      let y = (x - reshape(running_mean, [C] + ones_after)) * reshape(scale, [C] + ones_after)
    }

    if affine {
      param weight: float[C] = ones
      param bias: float[C] = zeros
      let y = y * reshape(weight, [C] + ones_after) + reshape(bias, [C] + ones_after)
    }
    return y
  }
}
