model M {
  input x: float[batch, 9007199254740991, 9007199254740991]
  output y = flatten(x)
}
