/// The part of the places whose greatest logit is the label's: logits float[..., C], label int[...].
fn accuracy(logits: float[..., C], label: int[...]) -> float[] {
  return mean(argmax(logits, axis: -1) == label)
}
