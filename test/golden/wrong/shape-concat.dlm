model M {
  input a: float[batch, 3]
  input b: float[batch, 4, 2]
  output y = concat([a, b], axis: 1)
}
