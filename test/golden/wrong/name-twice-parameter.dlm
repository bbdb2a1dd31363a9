fn f(x: float[...], x: float[...]) { return x }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(image, image)
}
