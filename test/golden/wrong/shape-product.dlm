model M {
  input a: float[batch, 3, 4]
  input b: float[batch, 5, 6]
  output y = a @ b
}
