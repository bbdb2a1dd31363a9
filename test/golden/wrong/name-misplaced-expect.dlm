model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  expect 1 == 1
  output y = image
}
