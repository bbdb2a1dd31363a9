fn f(x: float[B, T, D]) -> float[B, D] {
  scan x_t in x over T
    carry h: float[B, D] = zeros
  {
    next h = h + x_t
    yield = h
  }
  return h
}
