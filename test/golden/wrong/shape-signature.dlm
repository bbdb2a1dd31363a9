fn f(x: float[B, 10]) -> float[B, 10] { return x }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = image |> flatten |> f
}
