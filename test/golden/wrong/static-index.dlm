const widths = [1, 2, 3]
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image * widths[3]
}
