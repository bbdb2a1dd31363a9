module M() {
  forward(x: float[B]) -> float[B] { return x }
  forward(x: float[B, T]) -> float[B, T] { return x }
}
