model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  let (a, b) = image
  output y = a
}
