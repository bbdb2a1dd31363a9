const a = b + 1
const b = a + 1
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image * a
}
