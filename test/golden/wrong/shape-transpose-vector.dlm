model M {
  input x: float[batch]
  output y = transpose(x)
}
