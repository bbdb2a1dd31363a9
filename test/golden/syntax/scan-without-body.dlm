fn f(x: float[T]) -> float[] {
  scan x_t in x along T carry h = zeros
  return h
}
