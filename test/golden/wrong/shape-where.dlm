model M {
  input x: float[batch, 3]
  input y: float[batch, 4]
  output z = where(x > 0, x, y)
}
