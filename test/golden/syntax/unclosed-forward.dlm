module A(dim: int) {
  forward(x: float[B, dim]) -> float[B, dim] {
    return x
}

model M {
  input x: float[batch]
}
