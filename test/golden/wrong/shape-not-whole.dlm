model M(n: int = 7) {
  input x: float[batch, n / 2]
  output y = x
}
