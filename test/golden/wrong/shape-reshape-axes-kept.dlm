model M {
  input x: float[batch, 28, 28]
  output y = reshape(x, 784)
}
