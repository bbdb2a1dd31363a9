const a = list(0..1000000000)
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image * a[0]
}
