model M {
  input a: float[batch, 3]
  input b: float[batch, 4]
  output y = stack([a, b], axis: 1)
}
