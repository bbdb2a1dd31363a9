model M {
  input image: float[batch, 28, 28]
  target label: float[batch, 9]
  output y = image |> flatten |> Linear(10)
  loss mse(y, label)
}
