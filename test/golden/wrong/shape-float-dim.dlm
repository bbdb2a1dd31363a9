model M {
  input x: float[batch, 2.5]
  output y = x
}
