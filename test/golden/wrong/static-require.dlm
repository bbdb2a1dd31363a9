module A(dim: int, heads: int) {
  require dim % heads == 0, "dim must be a multiple of heads"
  forward(x: float[...]) { return x }
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image |> A(10, 3)
}
