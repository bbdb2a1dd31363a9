model M {
  input image: float[batch, 3, 3]
  input image: float[batch, 4]
  output y = flatten(image)
}
