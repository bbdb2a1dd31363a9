model M {
  input a: float[batch, T]
  input b: float[batch, S]
  output y = a + b
}
