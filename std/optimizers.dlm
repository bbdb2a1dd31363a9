// An optimizer is a module over a flat run of parameters: `rate` is the learning rate of this step, `step` counts from 1,
// and its states are the moments. Formulas are those of PyTorch's optimizers of the same names.

/// Gradient descent. With momentum μ, v ← μ v + g and the step is v, or g + μ v as Nesterov has it. `weight_decay` adds
/// weight_decay · parameter to the gradient.
/// Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
module sgd(momentum: float = 0, nesterov: bool = false, weight_decay: float = 0) {
  require momentum >= 0 and momentum < 1, "momentum is at least 0 and less than 1"
  require momentum > 0 or not nesterov, "nesterov needs momentum"
  require weight_decay >= 0, "weight_decay is not negative"
  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {
    let g = if weight_decay > 0 then grad + weight_decay * param else grad
    if momentum > 0 {
      state velocity: float[N] = zeros
      let v = momentum * velocity + g
      next velocity = v
      let g = if nesterov then g + momentum * v else v
    }
    return param - rate * g
  }
}

/// Adaptive moments: m and v follow the gradient and its square; the step is m / sqrt(v), each corrected for having
/// started at 0. `weight_decay` adds weight_decay · parameter to the gradient.
/// Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
module adam(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0) {
  require beta1 >= 0 and beta1 < 1 and beta2 >= 0 and beta2 < 1, "beta1 and beta2 are at least 0 and less than 1"
  require eps > 0, "eps is positive"
  require weight_decay >= 0, "weight_decay is not negative"
  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {
    state m: float[N] = zeros
    state v: float[N] = zeros
    let g = if weight_decay > 0 then grad + weight_decay * param else grad
    let m1 = beta1 * m + (1 - beta1) * g
    let v1 = beta2 * v + (1 - beta2) * g * g
    next m = m1
    next v = v1
    let correction1 = one_minus_power(beta1, step)
    let correction2 = one_minus_power(beta2, step)
    return param - (rate / correction1) * m1 / (sqrt(v1) / sqrt(correction2) + eps)
  }
}

/// Adam whose weight decay shrinks the parameters themselves and does not pass through the moments.
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
module adamw(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01) {
  require weight_decay >= 0, "weight_decay is not negative"
  layer moments = adam(beta1, beta2, eps)
  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {
    return moments(param * (1 - rate * weight_decay), grad, rate, step)
  }
}

/// 1 - base^exponent for 0 <= base < 1, without the cancellation that costs Adam's first steps half their digits in
/// float32: where the power is near 1 it is -(e^t - 1) by its series, t = exponent · log(base).
fn one_minus_power(base: float, exponent: float[]) -> float[] {
  if base == 0 {
    return exponent / exponent
  }
  let t = exponent * log(base)
  let near = maximum(t, -0.5)
  let series = near * (1 + near / 2 * (1 + near / 3 * (1 + near / 4 * (1 + near / 5 * (1 + near / 6 * (1 + near / 7 * (1 + near / 8)))))))
  return where(t > -0.5, -series, 1 - exp(t))
}
