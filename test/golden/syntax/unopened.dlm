model M {
  input x: float[batch]
  output y = relu(x))
}
}
