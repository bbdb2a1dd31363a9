model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  yield y = image
  output y = image
}
