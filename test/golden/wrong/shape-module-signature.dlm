module A(dim: int) {
  forward(x: float[B, dim]) -> float[B, dim] { return x }
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image |> flatten |> A(100)
}
