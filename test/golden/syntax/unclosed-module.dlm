module A(dim: int) {
  forward(x: float[B, dim]) -> float[B, dim] {
    return x
  }

module B() {
  forward(x: float[B]) -> float[B] { return x }
}
