fn f(x: float[...]) -> float[...] {
  let (a, b = split(x, 2)
  let c = a + b
  if c { return a }
  return c
}
