model M {
  inptu image: float[batch]
  layr head = Linear(10)
  output y = head(image)
  frobnicate "x"
}
