model M {
  input a: float[batch, 3]
  input b: float[4, 5]
  output y = einsum("b i, i j -> b j", a, b)
}
