model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image
  metric m = image == 0
  loss mean(image)
}
