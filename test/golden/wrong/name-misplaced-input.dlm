fn f(x: float[...]) {
  input y: float[batch]
  return x
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(image)
}
