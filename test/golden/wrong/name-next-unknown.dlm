module A() {
  forward(x: float[B, D]) {
    next mean = x
    return x
  }
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image |> flatten |> A()
}
