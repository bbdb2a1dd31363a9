fn f(x: float[B, T], mask: bool[T, T]? = none) { return x }
model M {
  input x: float[batch, 3]
  output y = f(x, x)
}
