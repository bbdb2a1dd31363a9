model M {
  input image: flaot[batch, 3]
  output y = image
}
