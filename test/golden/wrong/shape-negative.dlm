model M(n: int = 3) {
  input x: float[batch, n - 5]
  output y = x
}
