fn f(x: float[...]) {
  if x > 0 { return x }
  return -x
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(image)
}
