fn f(x: float[...]) {
  param w: float[3] = zeros
  return x
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(image)
}
