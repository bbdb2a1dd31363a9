model M {
  input a: float[batch, 3]
  output y = einsum("b i, i j -> b j", a)
}
