fn f(x: float[B, D]) -> float[B] { return x }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(flatten(image))
}
