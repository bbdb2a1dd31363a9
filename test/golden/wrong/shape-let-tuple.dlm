fn two(x: float[...]) { return (x, x) }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  let (a, b, c) = two(image)
  output y = a
}
