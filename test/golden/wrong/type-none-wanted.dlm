fn f(x: float[...]) { return x + 1 }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(none)
}
