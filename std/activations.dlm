/// The rectifier: max(x, 0), elementwise. At 0 its slope is 0.
/// Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
fn relu(x: float[...]) -> float[...] {
  return maximum(x, 0)
}

/// The rectifier with a small slope for negative values.
/// Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
fn leaky_relu(x: float[...], slope: float = 0.01) -> float[...] {
  return where(x > 0, x, slope * x)
}

/// x for positive values, alpha (e^x - 1) for the others.
/// Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by ELUs", 2015.
fn elu(x: float[...], alpha: float = 1) -> float[...] {
  // The exponential sees no positive value, so the branch that is not taken cannot overflow.
  let low = where(x > 0, 0, x)
  return where(x > 0, x, alpha * (exp(low) - 1))
}

/// The logistic function 1 / (1 + e^-x). Every exponential is at most 1, so nothing overflows at either end, and the
/// gradient is exact everywhere, at 0 too.
fn sigmoid(x: float[...]) -> float[...] {
  let e = exp(where(x < 0, x, -x))
  return where(x < 0, e, 1) / (1 + e)
}

/// log(1 + e^x), a smooth rectifier, without overflow.
/// Source: Dugas et al., "Incorporating second-order functional knowledge for better option pricing", 2001.
fn softplus(x: float[...]) -> float[...] {
  return where(x < 0, 0, x) + log(1 + exp(where(x < 0, x, -x)))
}

/// log(sigmoid(x)), without overflow or the logarithm of 0.
fn log_sigmoid(x: float[...]) -> float[...] {
  return -softplus(-x)
}

/// x · sigmoid(x), also called swish.
/// Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation", 2018.
fn silu(x: float[...]) -> float[...] {
  return x * sigmoid(x)
}

/// x · Φ(x), with Φ the distribution function of the standard normal distribution.
/// Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
fn gelu(x: float[...]) -> float[...] {
  return 0.5 * x * (1 + erf(x / sqrt(2)))
}

/// The approximation of gelu by tanh, as GPT-2 has it.
/// Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
fn gelu_tanh(x: float[...]) -> float[...] {
  return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
}

/// e^x / Σ e^x along an axis. The greatest value is subtracted first, which changes nothing but keeps e^x in range.
fn softmax(x: float[...], axis: int = -1) -> float[...] {
  let e = exp(x - stop_gradient(max(x, axis: axis, keep: true)))
  return e / sum(e, axis: axis, keep: true)
}

/// The logarithm of softmax along an axis, accurate where softmax itself would round to 0.
fn log_softmax(x: float[...], axis: int = -1) -> float[...] {
  let shifted = x - stop_gradient(max(x, axis: axis, keep: true))
  return shifted - log(sum(exp(shifted), axis: axis, keep: true))
}
