model M {
  input image: float[8]
  output y = image |> Conv2d(4, kernel: 3)
}
