model M {
  input x: float[batch, "three"]
  output y = x
}
