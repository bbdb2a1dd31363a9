/// The mean of -log p(label), p being the softmax of the last axis: logits float[..., C], label int[...] gives a scalar.
/// `smoothing` gives each class an equal part of that much probability; places whose label is `ignore` do not count.
/// Source of the smoothing: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.
fn cross_entropy(logits: float[..., C], label: int[...], smoothing: float = 0, ignore: any = none) -> float[] {
  require smoothing >= 0 and smoothing <= 1, "smoothing lies between 0 and 1"
  let log_p = log_softmax(logits)
  // The label's place is chosen by comparison, which stays in the row that softmax has at hand.
  let loss = -sum(where(expand(label, -1) == arange(C), log_p, 0), axis: -1)
  if smoothing > 0 {
    let loss = (1 - smoothing) * loss - smoothing * mean(log_p, axis: -1)
  }
  if ignore == none {
    return mean(loss)
  }
  let counts = label != ignore
  return sum(where(counts, loss, 0)) / maximum(float(sum(counts)), 1)
}

/// The mean squared difference.
fn mse(prediction: float[...], target: float[...]) -> float[] {
  let difference = prediction - target
  return mean(difference * difference)
}

/// The mean absolute difference.
fn mae(prediction: float[...], target: float[...]) -> float[] {
  return mean(abs(prediction - target))
}

/// The mean of -(y log p + (1 - y) log(1 - p)), with p = sigmoid(logits) and y in [0, 1], without overflow.
fn binary_cross_entropy_with_logits(logits: float[...], target: float[...]) -> float[] {
  return mean(softplus(logits) - logits * target)
}
