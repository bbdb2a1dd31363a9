fn two(x: float[...]) -> (a: float[...], b: float[...]) { return (a: x, b: x) }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = two(image).constructor
}
