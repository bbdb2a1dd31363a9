model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  let (a, b, c) = split(image, 3, axis: 1)
  output y = a
}
