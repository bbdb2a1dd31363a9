model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  layer block = Linear(28) * -1
  output y = image |> block
}
