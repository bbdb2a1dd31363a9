model M {
  input image: float[batch, 3, 8, 8]
  output y = image |> max_pool2d(9)
}
