fn f(x: float[...]) -> float[...] {
  y = x * 2
  return y
}
