model M {
  input image: float[batch, 28, 28]
  target label: int[batch, 2]
  output y = image |> flatten |> Linear(10)
  loss cross_entropy(y, label)
}
