fn f(x: float[...], a: bool) {
  if a { return x }
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(image, false)
}
