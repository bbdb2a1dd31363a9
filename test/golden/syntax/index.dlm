fn f(x: float[B, T]) -> float[B] {
  let a = x[]
  let b = x[1:2:3:4]
  return x[, 1]
}
