model M {
  input x: float[batch
