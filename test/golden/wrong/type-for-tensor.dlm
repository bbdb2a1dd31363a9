fn f(x: float[...]) {
  for i in x { let x = x + i }
  return x
}
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(image)
}
