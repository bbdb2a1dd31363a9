model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image[0, 28]
}
