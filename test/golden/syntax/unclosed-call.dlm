module M(dim: int) {
  layer wq = Linear(dim
  layer wk = Linear(dim)
  forward(x: float[B, dim]) -> float[B, dim] {
    return wk(wq(x))
  }
}
