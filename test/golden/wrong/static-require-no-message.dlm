module A(dim: int) {
  require dim > 10
  forward(x: float[...]) { return x }
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image |> A(3)
}
