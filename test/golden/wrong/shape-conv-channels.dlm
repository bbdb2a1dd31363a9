model M {
  input image: float[batch, 3, 8, 8]
  output y = image |> Conv2d(4, kernel: 3, groups: 2)
}
