module A(n: int) {
  layer inner = A(n + 1)
  forward(x: float[...]) { return inner(x) }
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image |> A(1)
}
