model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = if image > 0 then image else 0
}
