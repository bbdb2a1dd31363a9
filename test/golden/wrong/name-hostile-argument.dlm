model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image |> flatten |> Linear(10, __proto__: true)
}
