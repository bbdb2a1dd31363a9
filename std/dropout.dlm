/// While training, sets each value to 0 with probability `rate` and scales the others by 1 / (1 - rate), so that the
/// expected value stays; otherwise x as it is. The mask is a function of the run's seed, the step and the place alone.
/// Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
fn dropout(x: float[...], rate: float = 0.5) -> float[...] {
  require rate >= 0 and rate < 1, "the rate of dropout is at least 0 and less than 1"
  if training and rate > 0 {
    let x = where(random_uniform(shape(x)) < rate, 0, x / (1 - rate))
  }
  return x
}
